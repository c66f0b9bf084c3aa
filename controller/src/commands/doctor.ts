import type { Command } from "commander";
import type { App } from "../context.ts";
import { withBroker, withDatasets } from "../options.ts";

export function addDoctorCommand(program: Command, { context, exitWith }: App): void {
  withDatasets(withBroker(program.command("doctor")))
    .description("check this machine: sensors, governor, throttling, clock, broker, database, data")
    .option("--influx <url>", "InfluxDB to check; default: that of the stack that runs on the data folder")
    .action(async (_options, command: Command) =>
      exitWith(await (await import("../actions/doctor.ts")).doctor(context, command.opts())),
    );
}
