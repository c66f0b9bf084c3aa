import type { Command } from "commander";
import type { App } from "../context.ts";
import { choice, duration, httpAddress, list, number, withData, withDatasets, withJson } from "../options.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

const SERVICES = {
  broker: "the MQTT broker in the foreground",
  ingest: "telemetry from MQTT into InfluxDB or files, in the foreground",
  agent: "the agent of this device in the foreground",
  hub: "live page and artifacts in the foreground",
} as const;

const MAX_PORT = 65_535;
const port = number({ min: 0, max: MAX_PORT, integer: true });
/** The broker's; three more follow it. */
const firstPort = number({ min: 0, max: MAX_PORT - 3, integer: true });

function withStack(command: Command): Command {
  return withJson(withData(command))
    .option("--config <file>", "configuration file of the services; default: edgewatt.yaml when there is one")
    .option(
      "--influx <url>",
      "InfluxDB to write to; default: a private influxd when there is one on the PATH",
      httpAddress,
    )
    .option(
      "--raw <duration>",
      "how long a private influxd keeps points as measured: 7d, 36h, forever; default: 7d",
      duration,
    )
    .option("--seconds <duration>", "how long it keeps means over 1 s; default: 90d", duration)
    .option("--minutes <duration>", "how long it keeps means over 1 min; default: 730d", duration)
    .option("--device <id>", "id of the local agent; default: made from the host name")
    .addOption(
      choice("--log-level <level>", "least severe log line of the services that is shown", LOG_LEVELS).default("warn"),
    );
}

export function addStackCommands(program: Command, { context, exitWith }: App): void {
  withDatasets(withStack(program.command("up")))
    .description("run broker, ingest, hub and one agent as supervised processes, until Ctrl-C")
    .option("--listen <address>", "address to listen on, beyond loopback with --insecure; default: 127.0.0.1")
    .option("--insecure", "allow --listen beyond loopback although nothing authenticates")
    .option("--mqtt-port <port>", "port of the broker, 0 for a free one; default: 1883", port)
    .option("--ws-port <port>", "port of the broker's own WebSocket; default: off, the hub relays /mqtt", port)
    .option("--http-port <port>", "port of the live page, 0 for a free one; default: 8080", port)
    .option(
      "--metrics-port <port>",
      "port of the broker's Prometheus metrics; hub, ingest and agent take the three after it, with 0 each a free one; default: off",
      firstPort,
    )
    .action(async (_options, command: Command) => (await import("../actions/up.ts")).up(context, command.opts()));

  withDatasets(withStack(program.command("demo")))
    .description("the main job: quantize the six MobileNetV1 models, benchmark the twelve, write reports/latest")
    .option(
      "--quick",
      "short windows: everything is shown in under five minutes; a result to cite needs the full method",
    )
    .option("--models <names>", "models; default: all six", list)
    .option("--report <dir>", "folder of the report", "reports/latest")
    .option(
      "--budget <minutes>",
      "time that everything may take; as many windows are taken as fit; default: 45, quick 5",
      number({ min: 1 }),
    )
    .option("--windows <n>", "windows per row; default: 5, quick 3", number({ min: 1, max: 20, integer: true }))
    .option("--window-s <seconds>", "length of a window; default: 10, quick 2", number({ min: 0.1, max: 600 }))
    .option(
      "--accuracy <n>",
      "test images for accuracy; default: all 10,000, quick 2,000",
      number({ min: 0, integer: true }),
    )
    .action(async (_options, command: Command) => (await import("../actions/demo.ts")).demo(context, command.opts()));

  for (const [name, summary] of Object.entries(SERVICES)) {
    program
      .command(name)
      .description(summary)
      .argument("[flags...]", "flags of the service; its own --help lists them")
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (flags: string[]) =>
        exitWith(await (await import("../actions/service.ts")).runAppBin(name as keyof typeof SERVICES, flags)),
      );
  }
}
