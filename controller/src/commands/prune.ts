import type { Command } from "commander";
import type { PruneCommandOptions } from "../actions/prune-options.ts";
import type { App } from "../context.ts";
import { choice, number, numbers, withBroker, withDatasets } from "../options.ts";
import { withTimeout } from "./measuring.ts";

export function addPruneCommand(program: Command, { context }: App): void {
  withTimeout(withDatasets(withBroker(program.command("prune"))))
    .description("float model to one with fewer channels, repaired from calibration images without training")
    .argument("<models...>", "models, or the ends of their names; with --local: IN.onnx OUT.onnx")
    .option("--on <device>", "device; default: the only one that is online")
    .option("--name <name>", "what the pruned model is called in the registry; default: as MODEL-pruned-30-align16")
    .option("--local", "prune a file on this machine: prune --local IN.onnx OUT.onnx --fraction 0.3 --calibration WHAT")
    .option("--fraction <f>", "share of the channels that go, from 0 to 0.99", number({ min: 0, max: 0.99 }))
    .addOption(
      choice(
        "--align <n>",
        "multiple that channel counts are rounded to, as fast kernels take whole blocks of channels; 1 cuts exact fractions, as the study did",
        ["16", "8", "1"],
      ).default("16"),
    )
    .addOption(
      choice("--by <criterion>", "choose channels by what the layers behind lose, or by the size of their weights", [
        "error",
        "l1",
      ]).default("error"),
    )
    .addOption(
      choice(
        "--allocate <how>",
        "each group of layers loses the same fraction, or more where less is lost by it, at no more parameters and operations in all",
        ["uniform", "error"],
      ).default("uniform"),
    )
    .option(
      "--calibration <what>",
      "CIFAR binary file, .npy, a data set's name, or synthetic, with --local also a folder of images or of one .npy per input; default: cifar10 when it is found and fits the model",
    )
    .option(
      "--images <n>",
      "calibration images, the first ones in file order; default: 1,000",
      number({ min: 1, max: 100_000, integer: true }),
    )
    .option(
      "--mean <numbers>",
      "mean of each input channel after division by 255; default: the model's own in the registry",
      numbers,
    )
    .option("--std <numbers>", "standard deviation of each input channel; the same", numbers)
    .option("--input-shape <sides>", "the input's sides, where the model leaves them open", numbers)
    .action(async (models: string[], _options, command: Command) => {
      const options: PruneCommandOptions = command.opts();
      return options.local === true
        ? (await import("../actions/prune-local.ts")).pruneLocally(context, models, options)
        : (await import("../actions/prune.ts")).prune(context, models, options);
    });
}
