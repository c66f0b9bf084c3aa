import type { Command } from "commander";
import type { App } from "../context.ts";
import { choice, list, moment, number, withBrokerUrl, withDatabase } from "../options.ts";

export function addTelemetryCommands(program: Command, { context, exitWith }: App): void {
  withBrokerUrl(withDatabase(program.command("export")))
    .description("telemetry as line protocol, from the database or from the files that ingest writes without one")
    .option("--from <time>", "ISO time, or how long ago: 2h, 7d", moment)
    .option("--to <time>", "ISO time, or how long ago; not included", moment)
    .option("--device <ids>", "devices; default: all", list)
    .option("--measurement <names>", "measurements; default: all", list)
    .option("--policy <name>", "retention policy, such as seconds or minutes; default: as measured")
    .option("--files", "from the line-protocol files of the data folder, though a stack with a database runs on it")
    .option("--out <file>", "file, - for standard output; with --traces a folder", "-")
    .option("--gzip", "pack it; so is a file whose name ends in .gz")
    .option("--traces <job>", "instead: the full-rate readings of a benchmark, one file per row")
    .action(async (_options, command: Command) =>
      (await import("../actions/export.ts")).exportTelemetry(context, command.opts()),
    );
  withBrokerUrl(withDatabase(program.command("import")))
    .description(
      "line protocol into the database: of export, of ingest's files or of dead letters; twice changes nothing",
    )
    .argument("<files...>", "files, packed or not; - is standard input")
    .addOption(choice("--precision <unit>", "unit of the timestamps", ["ns", "u", "s"]).default("ns"))
    .option(
      "--policy <name>",
      "retention policy to write to; default: the default one, whose means are then computed again",
    )
    .option("--from-line <n>", "go on with this line of the file", number({ min: 1, integer: true }))
    .option("--traces", "instead: full-rate readings into the hub")
    .action(async (files: string[], _options, command: Command) =>
      exitWith(await (await import("../actions/import.ts")).importFiles(context, files, command.opts())),
    );
}
