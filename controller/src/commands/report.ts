import type { Command } from "commander";
import type { App } from "../context.ts";
import { list, withBroker, withJson } from "../options.ts";

export function addReportCommands(program: Command, { context, exitWith }: App): void {
  withBroker(program.command("report"))
    .description("results table (Markdown, CSV, JSON) and figures (SVG) of benchmarks")
    .option("--runs <jobs>", "jobs; default: the newest row of each device, model and precision", list)
    .option("--out <dir>", "folder of the report", "reports/latest")
    .action(async (_options, command: Command) =>
      (await import("../actions/report.ts")).report(context, command.opts()),
    );
  const dashboards = program.command("dashboards").description("Grafana dashboards");
  withJson(dashboards.command("build"))
    .description("write the dashboards and their provisioning as files")
    .option("--out <dir>", "folder to write to; default: reports/grafana")
    .action(async (_options, command: Command) =>
      exitWith(await (await import("../actions/dashboards.ts")).buildDashboards(context, command.opts())),
    );
}
