import type { Command } from "commander";
import type { App } from "../context.ts";
import { httpAddress, withBroker, withDatasets } from "../options.ts";

export function addDoctorCommand(program: Command, { context, exitWith }: App): void {
  withDatasets(withBroker(program.command("doctor")))
    .description(
      "check this machine: system, sensors, meters, governor, throttling, clock, broker, database, data; and telemetry on its way: agents and ingests at the broker",
    )
    .option("--influx <url>", "InfluxDB to check; default: that of the stack that runs on the data folder", httpAddress)
    .option("--config <file>", "configuration file with the meters to check; default: edgewatt.yaml when there is one")
    .option(
      "--probe",
      "also write to the I2C buses: confirm what looks like an INA219 by its calibration register, which is put back, and " +
        "set up and read the configured meters; not while an agent measures here. Without it the buses are only read",
    )
    .action(async (_options, command: Command) =>
      exitWith(await (await import("../actions/doctor.ts")).doctor(context, command.opts())),
    );
}
