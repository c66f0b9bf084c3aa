import { describeSource, isModelled } from "@edgewatt/protocol";
import type { FoundChip, Inspection } from "./agent-report.ts";
import { type Check, fail, ok, warn } from "./check.ts";

type Meter = Inspection["meters"][number];

const WIRING = "check wiring and supply of the chip, and its address pins";

function place({ bus, address }: { readonly bus: number; readonly address: number }): string {
  return `0x${address.toString(16)} of /dev/i2c-${bus}`;
}

/** As hwmon names a device: `1-0040`. */
function deviceName({ bus, address }: { readonly bus: number; readonly address: number }): string {
  return `${bus}-${address.toString(16).padStart(4, "0")}`;
}

function isPowerMonitor({ chip }: FoundChip): boolean {
  return chip !== "unknown";
}

/** What answers on the buses. */
export function checkChips(chips: readonly FoundChip[], buses: readonly number[]): Check {
  const list = chips.map((chip) => `${chip.chip} at ${place(chip)} (${chip.evidence})`).join("; ");
  if (chips.some(isPowerMonitor)) return ok("sensors", list);
  if (list !== "") return warn("sensors", list, WIRING);
  return buses.length === 0
    ? ok("sensors", "no I2C bus to look on")
    : warn(
        "sensors",
        "no power monitor answers on I2C",
        `${WIRING}; the first meter is described in docs/how-to/first-pi.md`,
      );
}

/** Sources that need no wiring: one line each. */
export function checkSources({ sources }: Inspection): Check[] {
  return sources.map(({ source, found, detail }) =>
    ok(source, found ? `${describeSource(source)}; ${detail}` : `not here: ${detail}`),
  );
}

/** Each configured meter against what answers, and which channel fills the table. */
export function checkMeters(inspection: Inspection, chips: readonly FoundChip[]): Check[] {
  const { issues, meters, table } = inspection;
  if (issues.length > 0) {
    return issues.map((issue) => fail("configuration", issue, "correct it, or no agent starts"));
  }
  return [
    ...meters.map((meter) => checkMeter(meter, inspection, chips)),
    ...(table === null ? [] : [ok("results table", `filled by power channel ${table}`)]),
  ];
}

function checkMeter(meter: Meter, { ownedByKernel }: Inspection, chips: readonly FoundChip[]): Check {
  const name = `meter ${meter.meter}`;
  const { source, i2c, fault, watts, channels } = meter;
  if (fault !== null) return warn(name, `${source}: ${fault}`, "until then it gives no watts");
  if (watts !== null) {
    const read = channels.map((channel, i) => `${channel} ${watts[i]?.toFixed(2) ?? "–"} W`).join(", ");
    const message = `${describeSource(source)}; read now: ${read}`;
    return isModelled(source)
      ? warn(name, message, "no meter measures this; for measured watts wire one: docs/how-to/first-pi.md")
      : ok(name, message);
  }
  if (i2c === null) return ok(name, describeSource(source));
  const owner = ownedByKernel.find(({ device }) => device === deviceName(i2c));
  if (owner !== undefined) {
    return warn(
      name,
      `a kernel driver (${owner.chip}) owns ${place(i2c)}`,
      `use source: hwmon for this meter, or unload the driver to use source: ${source}`,
    );
  }
  const answers = chips.find(({ bus, address }) => bus === i2c.bus && address === i2c.address);
  if (answers === undefined) return warn(name, `nothing answers at ${place(i2c)}`, WIRING);
  if (answers.chip === source) return ok(name, `${source} answers at ${place(i2c)}; channels: ${channels.join(", ")}`);
  return warn(
    name,
    `configured is ${source}, but what answers at ${place(i2c)} is ${answers.chip} (${answers.evidence})`,
    isPowerMonitor(answers) ? `write source: ${answers.chip}, or correct the address` : WIRING,
  );
}
