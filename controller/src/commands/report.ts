import type { Command } from "commander";
import type { App } from "../context.ts";
import { list, withBroker } from "../options.ts";

export function addReportCommands(program: Command, { context, exitWith }: App): void {
  withBroker(program.command("report"))
    .description("results table (Markdown, CSV, JSON) and figures (SVG) of benchmarks")
    .option("--runs <jobs>", "jobs; default: the newest row of each device, model and precision", list)
    .option("--out <dir>", "folder of the report", "reports/latest")
    .action(async (_options, command: Command) =>
      (await import("../actions/report.ts")).report(context, command.opts()),
    );
  program
    .command("dashboards")
    .description("Grafana dashboards and alerts: build writes files, push brings them into a Grafana")
    .argument("[words...]", "build or push with its flags; its own --help lists them")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[]) =>
      exitWith(await (await import("../actions/service.ts")).runAppBin("dashboards", words)),
    );
}
