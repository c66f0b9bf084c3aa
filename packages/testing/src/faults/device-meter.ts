import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createSimulatedBus } from "../i2c/simulated-bus.ts";
import { findCommand } from "../require-system.ts";

/** More than the thousand readings a second that telemetry may ask for. */
const RESOLUTION_BITS = 11;
const ADDRESS = 0x40;

/** How an agent is told of its meter. */
export interface DeviceMeter {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A simulated INA219, which gives up to 1,000 rows a second; without a C compiler the estimate, which gives ten. */
export async function deviceMeter(dir: string, device: string): Promise<DeviceMeter> {
  if (findCommand("gcc") === undefined) return { args: ["--source", "estimate"], env: {} };
  const amps = { kind: "square", lowA: 0.5, highA: 0.9, periodS: 0.02 } as const;
  const chips = [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps }] }] as const;
  const { bus, env } = await createSimulatedBus(path.join(dir, `bus-${device}`), { chips });
  const meter = { source: "ina219", bus, address: ADDRESS, resolutionBits: RESOLUTION_BITS };
  const config = path.join(dir, `${device}.yaml`);
  await writeFile(config, JSON.stringify({ agent: { meters: { main: meter } } }));
  return { args: ["--config", config], env };
}
