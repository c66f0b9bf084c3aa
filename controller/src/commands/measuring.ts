import { type Command, Option } from "commander";
import { GRAPH_OPTIMIZATIONS, MAX_WINDOWS } from "@edgewatt/protocol/factors";
import { choice, list, listOf, number, withBroker, withDatasets } from "../options.ts";

/** A week. */
const MAX_TIMEOUT_MIN = 10_080;

const PRECISIONS = ["fp32", "int8"] as const;

const windowCount = number({ min: 1, max: MAX_WINDOWS, integer: true });

export function withDevices(command: Command, byDefault = "the only one that is online"): Command {
  return command.option("--on <devices>", `devices; default: ${byDefault}`, list);
}

/** For a command that starts jobs and waits for them. */
export function withTimeout(command: Command, byDefault = "120"): Command {
  return command.option(
    "--timeout <minutes>",
    `how long a job may run, and how long a device that is gone is waited for before its job is canceled; default: ${byDefault}`,
    number({ min: 0.1, max: MAX_TIMEOUT_MIN }),
  );
}

/** The flags of what measures; their values are those of `MeasureOptions`. */
export function withBenchmark(command: Command): Command {
  return withTimeout(withDatasets(withBroker(command)), "120, or what --budget takes and a third")
    .option("--precisions <list>", "fp32, int8 or both", listOf(PRECISIONS), PRECISIONS)
    .option("--quick", "short windows: shows that everything works; a result to cite needs the full method")
    .option(
      "--windows <n>",
      "windows per row, no more and no less; default: 5 and as many more as precision takes, quick 3",
      windowCount,
    )
    .addOption(new Option("--repeat <n>", "the same as --windows").argParser(windowCount).conflicts("windows"))
    .option("--max-windows <n>", "windows per row at most while figures are not precise; default: 20", windowCount)
    .option(
      "--target-half-width <percent>",
      "95 % half-width of energy at which a row is precise; default: 1",
      number({ min: 0.001, max: 100 }),
    )
    .option("--budget <minutes>", "time that all windows together may take; default: 90", number({ min: 0.1 }))
    .option("--window-s <seconds>", "length of a window; default: 10, quick 2", number({ min: 0.1, max: 600 }))
    .option("--idle-s <seconds>", "idle before and after a window; default: 10, quick 1", number({ min: 0, max: 600 }))
    .option(
      "--threads <n>",
      "threads of ONNX Runtime; default: all cores but the sampler's",
      number({ min: 1, max: 256, integer: true }),
    )
    .option("--spinning", "let idle threads of ONNX Runtime spin: faster at times, and more power")
    .addOption(
      choice(
        "--graph-optimization <level>",
        "how far ONNX Runtime rewrites the graph, all by default",
        GRAPH_OPTIMIZATIONS,
      ),
    )
    .option(
      "--batch <n>",
      "images per inference, for models with a dynamic batch; figures stay per image",
      number({ min: 1, max: 1024, integer: true }),
    )
    .option(
      "--observer",
      "measure first what reading the meter draws and delays; without it once a day, in the full method",
    )
    .option(
      "--accuracy <n>",
      "test images for accuracy, 0 for none; default: all, quick 2,000",
      number({ min: 0, integer: true }),
    )
    .option("--strict", "send nothing inside measured windows")
    .option("--seed <n>", "seed of the order of measurement", number({ min: 0, integer: true }))
    .option("--fail-on-flags", "exit with 1 when a row carries a flag");
}
