import type { Command } from "commander";
import type { App } from "../context.ts";
import { withData, withDatasets, withJson } from "../options.ts";

export function addDatasetCommands(program: Command, { context }: App): void {
  const flags = (command: Command): Command => withDatasets(withJson(withData(command)));
  const datasets = flags(program.command("datasets"))
    .description("labelled data for calibration and accuracy")
    .action(async (_options, command: Command) =>
      (await import("../actions/datasets.ts")).listDatasets(context, command.opts()),
    );
  withJson(withData(datasets.command("fetch")))
    .description("download a data set into the data folder; goes on where it was interrupted")
    .argument("<name>", "data set: cifar10")
    .option("--url <url>", "another address of the same archive")
    .action(async (name: string, _options, command: Command) =>
      (await import("../actions/datasets.ts")).fetchNamedDataset(context, name, command.opts()),
    );
  flags(datasets.command("path"))
    .description("the folder in which a data set is found")
    .argument("[name]", "data set", "cifar10")
    .action(async (name: string, _options, command: Command) =>
      (await import("../actions/datasets.ts")).printDatasetPath(context, name, command.opts()),
    );
}
