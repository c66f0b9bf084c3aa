import type { Command } from "commander";
import type { App } from "../context.ts";
import { number, numbers, withData, withJson } from "../options.ts";

export function addModelCommands(program: Command, { context }: App): void {
  const models = withJson(withData(program.command("models")))
    .description("the models that can be named: parameters, size, digest, lineage")
    .action(async (_options, command: Command) =>
      (await import("../actions/models.ts")).listModels(context, command.opts()),
    );
  withJson(withData(models.command("show")))
    .description("everything that is known of a model")
    .argument("<name>", "model, or the end of its name")
    .action(async (name: string, _options, command: Command) =>
      (await import("../actions/models.ts")).showModel(context, name, command.opts()),
    );
  withJson(withData(models.command("add")))
    .description("check an ONNX file and keep a copy in the data folder")
    .argument("<file>", "float ONNX model")
    .option("--name <name>", "what to call it; default: the file's name without .onnx")
    .option("--mean <numbers>", "mean of each input channel after division by 255", numbers)
    .option("--std <numbers>", "standard deviation of each input channel", numbers)
    .option("--pruning <fraction>", "fraction of the channels that were pruned", number({ min: 0, max: 1 }))
    .option("--fine-tune-epochs <n>", "epochs of fine-tuning after pruning", number({ min: 0, integer: true }))
    .action(async (file: string, _options, command: Command) =>
      (await import("../actions/models.ts")).addModel(context, file, command.opts()),
    );
}
