import type { Command } from "commander";
import type { QuantizeCommandOptions } from "../actions/quantize-options.ts";
import type { App } from "../context.ts";
import { choice, list, number, numbers, withBroker, withDatasets } from "../options.ts";
import { withBenchmark, withDevices, withTimeout } from "./measuring.ts";
import { withMethod, withRecipe } from "./recipe.ts";

function withQuantizing(command: Command): Command {
  return command
    .option(
      "--calibration <what>",
      "CIFAR binary file, .npy, a data set's name, or synthetic, with --local also a folder of images or of one .npy per input; default without --local: cifar10 when it is found, else synthetic",
    )
    .option(
      "--images <n>",
      "calibration images, the first ones in file order",
      number({ min: 1, max: 100_000, integer: true }),
    )
    .addOption(
      choice("--format <format>", "activations and weights; default: for the processor it will run on", [
        "u8s8",
        "s8s8",
      ]),
    )
    .option("--per-tensor", "one weight scale per tensor instead of one per channel")
    .option("--reduce-range", "7-bit weights, for x64 without VNNI; the default there");
}

export function addJobCommands(program: Command, { context }: App): void {
  withRecipe(withQuantizing(withTimeout(withDevices(withDatasets(withBroker(program.command("quantize")))))))
    .description("float model to int8 model, on devices or, with --local, here and without a broker")
    .argument("<models...>", "models, or the ends of their names; with --local: IN.onnx OUT.onnx")
    .option("--local", "quantize a file on this machine: quantize --local IN.onnx OUT.onnx --calibration WHAT")
    .option("--mean <numbers>", "with --local: mean of each input channel after division by 255", numbers)
    .option("--std <numbers>", "with --local: standard deviation of each input channel", numbers)
    .option("--input-shape <sides>", "with --local: the input's sides, where the model leaves them open", numbers)
    .option("--table <file>", "with --local: calibration table in place of calibration data")
    .option("--save-table <file>", "with --local: where the ranges that were found are kept, for --table")
    .option(
      "--verify",
      "with --local: compare both models on up to 1,000 images held back from calibration instead of 64, and check that the other processor's format would run in int8 too",
    )
    .action(async (models: string[], _options, command: Command) => {
      const options: QuantizeCommandOptions = command.opts();
      // Each loads what it needs and no more: an MQTT client for a local file would cost a third of a second.
      return options.local === true
        ? (await import("../actions/quantize-local.ts")).quantizeLocally(context, models, options)
        : (await import("../actions/quantize.ts")).quantize(context, models, options);
    });
  withBenchmark(withDevices(program.command("benchmark")))
    .description("measure latency, power, energy, memory and accuracy of models on devices")
    .argument("<models...>", "models, or the ends of their names")
    .action(async (models: string[], _options, command: Command) =>
      (await import("../actions/benchmark.ts")).benchmark(context, models, command.opts()),
    );
  withBenchmark(withDevices(program.command("sweep"), "all that are online"))
    .description("benchmark every model of the registry over the fleet, in randomised blocks")
    .option("--models <names>", "models; default: all of the registry", list)
    .action(async (_options, command: Command) =>
      (await import("../actions/benchmark.ts")).sweep(context, command.opts()),
    );
  withMethod(withQuantizing(withTimeout(withDatasets(withBroker(program.command("sensitivity"))))))
    .description(
      "importance of each layer of a model relative to the others: weights, time, energy, and what is lost when it alone is quantized",
    )
    .argument("<model>", "model, or the end of its name; with --local: MODEL.onnx")
    .option("--on <device>", "device; default: the only one that is online")
    .option(
      "--local",
      "compare a file on this machine, without a broker: sensitivity --local MODEL.onnx --calibration WHAT",
    )
    .option(
      "--evaluation <what>",
      "labelled images to measure on: CIFAR binary file, .npy, or cifar10 for its test images; default: those that follow the calibration images",
    )
    .option(
      "--evaluation-images <n>",
      "how many of them; default: 1,000",
      number({ min: 1, max: 1_000_000, integer: true }),
    )
    .option(
      "--threads <n>",
      "threads of ONNX Runtime while time is measured; default: all cores but the sampler's, with --local all",
      number({ min: 1, max: 256, integer: true }),
    )
    .option(
      "--windows <n>",
      "windows in which the model's energy is measured, 0 for none; default: 3",
      number({ min: 0, max: 20, integer: true }),
    )
    .option("--window-s <seconds>", "length of such a window; default: 2", number({ min: 0.1, max: 600 }))
    .option("--idle-s <seconds>", "idle before and after it; default: 1", number({ min: 0, max: 600 }))
    .option("--mean <numbers>", "with --local: mean of each input channel after division by 255", numbers)
    .option("--std <numbers>", "with --local: standard deviation of each input channel", numbers)
    .option("--input-shape <sides>", "with --local: the input's sides, where the model leaves them open", numbers)
    .option("--report <dir>", "folder for table, figure and JSON; default: reports/layers-MODEL")
    .action(async (model: string, _options, command: Command) =>
      (await import("../actions/sensitivity.ts")).sensitivity(context, model, command.opts()),
    );

  const runs = withBroker(program.command("runs"))
    .description("jobs, newest first")
    .action(async (_options, command: Command) =>
      (await import("../actions/runs.ts")).listRuns(context, command.opts()),
    );
  withBroker(runs.command("show"))
    .description("a job: its command, state and result")
    .argument("<job>", "job id")
    .action(async (job: string, _options, command: Command) =>
      (await import("../actions/runs.ts")).showRun(context, job, command.opts()),
    );
  withBroker(program.command("cancel"))
    .description("cancel a job")
    .argument("<job>", "job id")
    .action(async (job: string, _options, command: Command) =>
      (await import("../actions/runs.ts")).cancelRun(context, job, command.opts()),
    );
}
