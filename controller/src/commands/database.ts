import type { Command } from "commander";
import type { App } from "../context.ts";
import { duration, list, moment, withDatabase } from "../options.ts";

export function addDatabaseCommands(program: Command, { context }: App): void {
  const database = program.command("database").description("retention, means and users of InfluxDB 1.x");
  withDatabase(database.command("setup"), { user: false })
    .description(
      "create database, retention policies, means and users, as far as they are missing; a second run changes nothing",
    )
    .option("--admin-user <name>", "administrator of InfluxDB; one that has none yet gets this one")
    .option("--admin-password <text>", "its password; better in the environment than on the command line")
    .option(
      "--raw <duration>",
      "how long points are kept as they were measured: 7d, 36h or forever; default: 7d",
      duration,
    )
    .option("--seconds <duration>", "how long means over 1 s are kept; default: 90d", duration)
    .option("--minutes <duration>", "how long means over 1 min are kept; default: 730d", duration)
    .option("--writer <name>", "user for ingest, which may read and write the database edgewatt", "ingest")
    .option("--writer-password <text>", "its password; default: one is made and shown once")
    .option("--reader <name>", "user for Grafana, which may only read it", "grafana")
    .option("--reader-password <text>", "its password; default: one is made and shown once")
    .option("--policies-only", "leave users alone")
    .option("--allow-delete", "shorten a policy though it holds older points, which that deletes")
    .option("--dry-run", "print the InfluxQL and change nothing")
    .action(async (_options, command: Command) =>
      (await import("../actions/database.ts")).setup(context, command.opts()),
    );
  withDatabase(database.command("show"))
    .description("retention policies, and whether means are kept")
    .action(async (_options, command: Command) =>
      (await import("../actions/database.ts")).showDatabase(context, command.opts()),
    );
  withDatabase(database.command("recompute"))
    .description("compute the means of a stretch of time again, after points came late")
    .requiredOption("--from <time>", "ISO time, or how long ago: 2h, 7d", moment)
    .option("--to <time>", "ISO time, or how long ago; default: now", moment)
    .option("--measurement <names>", "measurements; default: all", list)
    .action(async (_options, command: Command) =>
      (await import("../actions/database.ts")).recomputeMeans(context, command.opts()),
    );
}
