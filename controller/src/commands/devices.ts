import type { Command } from "commander";
import type { App } from "../context.ts";
import { withBroker } from "../options.ts";

export function addDeviceCommands(program: Command, { context }: App): void {
  const devices = withBroker(program.command("devices"))
    .description("the fleet")
    .action(async (_options, command: Command) =>
      (await import("../actions/devices.ts")).listDevices(context, command.opts()),
    );
  withBroker(devices.command("show"))
    .description("one device: versions, hardware, power channels")
    .argument("<id>", "device")
    .action(async (id: string, _options, command: Command) =>
      (await import("../actions/devices.ts")).showDevice(context, id, command.opts()),
    );
}
