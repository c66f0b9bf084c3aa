import { type Command, InvalidArgumentError } from "commander";
import type { App } from "../context.ts";
import { choice, list, listOf, number, numbers } from "../options.ts";
import { withBenchmark, withDevices } from "./measuring.ts";

const FRACTIONS = [0, 0.05, 0.1, 0.2, 0.3, 0.4] as const;
const ALIGNMENTS = ["16", "8", "1"] as const;

/** Shares of channels: all of them is none that a layer could have. */
function fractions(text: string): readonly number[] {
  return list(text).map((item) => {
    const value = Number(item);
    if (value >= 0 && value < 1) return value;
    throw new InvalidArgumentError(
      "expected shares of channels from 0 up to below 1, separated by commas, as 0,0.1,0.3",
    );
  });
}

export function addStudyCommand(program: Command, { context, exitWith }: App): void {
  withBenchmark(withDevices(program.command("study"), "the only one that is online; without a stack, this machine"))
    .description(
      "what pruning does to a model of yours: prune it by several fractions, quantize, measure, and write table, figures and a report",
    )
    .argument("<model>", "model, the end of its name, or a file: MODEL.onnx")
    .option("--fractions <list>", "shares of the channels that go; 0 is the model itself", fractions, FRACTIONS)
    .option(
      "--align <list>",
      "multiples that channel counts are rounded to, of 16, 8 and 1 (exact fractions); 1,16 shows what the fast kernels want",
      listOf(ALIGNMENTS),
      ["16"],
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
        "the same fraction of every group of channels, or more where less is lost by it, at no higher cost of the whole",
        ["uniform", "error"],
      ).default("uniform"),
    )
    .option(
      "--calibration <what>",
      "images to repair from, and to calibrate int8 on: a folder of images, CIFAR binary file, .npy, a data set's name, or synthetic; no labels are used; default: cifar10 when it is found and fits the model, else synthetic",
    )
    .option(
      "--images <n>",
      "images to repair from, the first ones in file order; int8 takes the first 256 of them; default: 1,000",
      number({ min: 1, max: 100_000, integer: true }),
    )
    .option("--mean <numbers>", "of a file: mean of each input channel after division by 255", numbers)
    .option("--std <numbers>", "of a file: standard deviation of each input channel", numbers)
    .option("--input-shape <sides>", "of a file: the input's sides, where the model leaves them open", numbers)
    .option("--sensitivity", "also measure the importance of each layer of the model itself")
    .option("--out <dir>", "folder of the report; default: reports/study-MODEL")
    .action(async (model: string, _options, command: Command) =>
      exitWith(await (await import("../actions/study.ts")).study(context, model, command.opts())),
    );
}
