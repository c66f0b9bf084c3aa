import { setTimeout as sleep } from "node:timers/promises";
import type { PowerSource } from "@edgewatt/protocol";
import { powerMonitors } from "./hwmon/hwmon.ts";
import { driverOf, SENSORS, SOURCE_IDS } from "./index.ts";
import { channelsOf, type Meter } from "./meters.ts";
import { emptyReading, type SensorDriver, type SensorHost } from "./sensor.ts";

/** Over so long a source that accumulates is read, and so long is waited at least for a conversion. */
const READ_MS = 300;
/** A conversion that began before the question is not over yet, and may take a tenth longer than it should. */
const CONVERSIONS = 2.5;
const POLL_MS = 5;

/** A source of power that needs no configuration: whether this machine has it, and what it says or why not. */
interface FoundSource {
  readonly source: PowerSource;
  readonly found: boolean;
  readonly detail: string;
}

/** A meter that the agent would read here. */
interface InspectedMeter {
  readonly meter: string;
  readonly source: PowerSource;
  readonly channels: readonly string[];
  /** Where it is on I²C; `null` for other sources. */
  readonly i2c: { readonly bus: number; readonly address: number } | null;
  /** One reading of each channel, W; `null` where it was not asked or gave none. */
  readonly watts: readonly number[] | null;
  readonly fault: string | null;
}

/** What `edgewatt doctor` shows of the sources of power. */
export interface Inspection {
  readonly sources: readonly FoundSource[];
  /** Power monitors that a kernel driver owns, which answer EBUSY on I²C. */
  readonly ownedByKernel: readonly { readonly chip: string; readonly device: string }[];
  readonly meters: readonly InspectedMeter[];
}

/**
 * Looks for sources of power and reads the meters once. Meters on I²C are set up and read only when `mayWrite`, since that
 * takes them from an agent that is measuring.
 */
export async function inspect(meters: readonly Meter[], host: SensorHost, mayWrite: boolean): Promise<Inspection> {
  const detectable = SOURCE_IDS.filter((id) => driverOf(id).detect !== undefined);
  const sources: FoundSource[] = [];
  for (const source of detectable) {
    const look = await readOnce(driverOf(source), SENSORS[source].config.parse({}), host);
    sources.push({
      source,
      found: look.fault === null,
      detail: look.fault ?? `${look.settings}; now ${look.watts?.map((watts) => `${watts.toFixed(2)} W`).join(", ")}`,
    });
  }
  const inspected: InspectedMeter[] = [];
  for (const meter of meters) {
    const { name, source, config } = meter;
    const { bus, address } = config;
    const i2c = typeof bus === "number" && typeof address === "number" ? { bus, address } : null;
    const look = i2c === null || mayWrite ? await readOnce(driverOf(source), config, host) : undefined;
    inspected.push({
      meter: name,
      source,
      channels: channelsOf(meter).map(({ channel }) => channel),
      i2c,
      watts: look?.watts ?? null,
      fault: look?.fault ?? null,
    });
  }
  const ownedByKernel = powerMonitors(host.root).map(({ name, device }) => ({ chip: name, device }));
  return { sources, ownedByKernel, meters: inspected };
}

interface Look {
  readonly settings: string;
  readonly watts: readonly number[] | null;
  readonly fault: string | null;
}

async function readOnce(
  driver: SensorDriver,
  config: Readonly<Record<string, unknown>>,
  host: SensorHost,
): Promise<Look> {
  try {
    using sensor = await driver.open(config, host);
    const readings = sensor.channels.map(emptyReading);
    if (sensor.accumulates) await sleep(READ_MS);
    const deadlineMs = performance.now() + Math.max(READ_MS, (CONVERSIONS * 1000) / sensor.rateHz);
    while (!sensor.read(readings)) {
      if (performance.now() > deadlineMs)
        return { settings: "", watts: null, fault: "no conversion ended: check its supply" };
      await sleep(POLL_MS);
    }
    const lost = readings.find(({ fault }) => fault !== undefined)?.fault;
    if (lost !== undefined) return { settings: "", watts: null, fault: lost.message };
    const settings = Object.entries(sensor.channels[0]?.settings ?? {}).map(([key, value]) => `${key} ${value}`);
    return { settings: settings.join(", "), watts: readings.map(({ watts }) => watts), fault: null };
  } catch (error) {
    return { settings: "", watts: null, fault: error instanceof Error ? error.message : String(error) };
  }
}
