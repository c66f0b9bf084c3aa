import { existsSync } from "node:fs";
import { z } from "zod";
import { readFact } from "../../device/board.ts";
import { listHwmon, type HwmonChip } from "../../device/hwmon.ts";
import { DeviceError } from "../../errors.ts";
import { defineDriver, type Reading, type Sensor, type SensorChannel } from "../sensor.ts";
import { defaultIntervalMs, isPowerMonitor, limitsOf } from "./chips.ts";
import { SysfsNumber } from "../../device/sysfs-number.ts";

const MICRO = 1e-6;
const MILLI = 1e-3;
const CHANNEL_NAME = /^[a-z0-9][a-z0-9-]{0,18}$/;

const channelSchema = z.strictObject({
  input: z.int().min(1).max(16).describe("number of the channel in curr1_input"),
  name: z
    .string()
    .regex(CHANNEL_NAME, "expected 1 to 19 of a-z, 0-9 and -, not starting with -")
    .optional()
    .describe("what the channel is called after the meter's name; default: ch and the number"),
});
type ChannelConfig = z.output<typeof channelSchema>;

function nameOf({ input, name }: ChannelConfig): string {
  return name ?? `ch${input}`;
}

const config = z.strictObject({
  chip: z
    .string()
    .optional()
    .describe("what its driver calls the chip, such as ina226; default: the first power monitor"),
  device: z.string().optional().describe("device of the chip, such as 1-0040: address 0x40 on I2C bus 1"),
  channels: z
    .array(channelSchema)
    .min(1)
    .refine((list) => new Set(list.map(nameOf)).size === list.length, "a channel is there twice")
    .default([{ input: 1 }])
    .describe("channels to read, by their number in curr1_input"),
  intervalMs: z.number().positive().optional().describe("time of one reading where the driver has no update_interval"),
  shuntTolerance: z.number().min(0).max(0.2).default(0.01).describe("tolerance of the shunt: 0.01 is 1 %"),
});
type Config = z.output<typeof config>;

/**
 * A power monitor that a kernel driver reads, through hwmon (Documentation/hwmon/sysfs-interface.rst): µW where the driver has
 * a power, else mV times mA. The driver gives the newest conversion and not when it ended, which on average is half a
 * conversion ago; its middle is another half before that, so a reading is dated one interval back.
 * Faults: `hwmon-absent`, `channel-absent`, `sysfs-refused`, `sysfs-gone`, `sysfs-failed`.
 */
export const hwmon = defineDriver({
  id: "hwmon",
  config,
  channelNames: ({ channels }) => {
    const [only] = channels;
    return channels.length === 1 && only?.name === undefined ? [""] : channels.map(nameOf);
  },
  detect: ({ root }) => powerMonitors(root).length > 0,
  async open(options, host): Promise<Sensor> {
    const chip = chooseChip(options, host.root);
    const told = numberFact(`${chip.path}/update_interval`);
    const intervalMs = told !== null && told > 0 ? told : (options.intervalMs ?? defaultIntervalMs(chip.name));
    const intervalUs = intervalMs * 1000;
    const opened: Channel[] = [];
    const close = () => {
      for (const channel of opened) channel.close();
    };
    try {
      for (const { input } of options.channels) opened.push(openChannel(chip, input));
    } catch (error) {
      close();
      throw error;
    }
    return {
      rateHz: 1e6 / intervalUs,
      accumulates: false,
      channels: opened.map(({ index }) => describe(chip, index, { intervalMs, isTold: told !== null, options })),
      read(into: readonly Reading[]): boolean {
        for (const [i, channel] of opened.entries()) {
          const reading = into[i];
          if (reading === undefined) continue;
          const beforeUs = host.monotonicUs();
          channel.read(reading);
          reading.tUs = (beforeUs + host.monotonicUs()) / 2 - intervalUs;
          reading.joules = Number.NaN;
        }
        return true;
      },
      [Symbol.dispose]: close,
    };
  },
});

/** Chips whose drivers give electrical power, in the order of their numbers. */
export function powerMonitors(root: string): HwmonChip[] {
  return listHwmon(root).filter(({ name }) => isPowerMonitor(name));
}

function chooseChip({ chip: name, device }: Config, root: string): HwmonChip {
  const all = listHwmon(root);
  const found = all.find(
    (chip) =>
      (name === undefined ? device !== undefined || isPowerMonitor(chip.name) : chip.name === name) &&
      (device === undefined || chip.device === device),
  );
  if (found !== undefined) return found;
  const wanted = [name ?? "power monitor", ...(device === undefined ? [] : [`at ${device}`])].join(" ");
  const known = all.map((chip) => (chip.device === "" ? chip.name : `${chip.name} at ${chip.device}`)).join(", ");
  throw new DeviceError(
    `the kernel reads no ${wanted}: there ${all.length === 1 ? "is" : "are"} ${known || "no chips"} under /sys/class/hwmon; load its driver with a device tree overlay`,
    { code: "hwmon-absent", context: { chip: name, device } },
  );
}

/** Open files of one channel. */
interface Channel {
  readonly index: number;
  /** Fills in what is measured, not when. */
  read(into: Reading): void;
  close(): void;
}

function openChannel(chip: HwmonChip, index: number): Channel {
  const attribute = (kind: string) => `${chip.path}/${kind}${index}_input`;
  const measuresPower = existsSync(attribute("power"));
  const first = attribute(measuresPower ? "power" : "curr");
  if (!existsSync(first) || !existsSync(attribute("in"))) {
    throw new DeviceError(`${chip.name} has no channel ${index}: ${first} and ${attribute("in")} are needed`, {
      code: "channel-absent",
      context: { chip: chip.name, index },
    });
  }
  const volts = new SysfsNumber(attribute("in"));
  let measured: SysfsNumber;
  try {
    measured = new SysfsNumber(first);
  } catch (error) {
    volts[Symbol.dispose]();
    throw error;
  }
  return {
    index,
    read(into) {
      const value = measured.read();
      into.volts = volts.read() * MILLI;
      if (measuresPower) {
        into.watts = value * MICRO;
        into.amps = into.volts > 0 ? into.watts / into.volts : 0;
      } else {
        into.amps = value * MILLI;
        into.watts = into.amps * into.volts;
      }
    },
    close() {
      volts[Symbol.dispose]();
      measured[Symbol.dispose]();
    },
  };
}

function describe(
  chip: HwmonChip,
  index: number,
  { intervalMs, isTold, options }: { intervalMs: number; isTold: boolean; options: Config },
): SensorChannel {
  const microOhm = numberFact(`${chip.path}/shunt${index}_resistor`) ?? numberFact(`${chip.path}/shunt_resistor`);
  const shuntOhm = microOhm === null ? null : microOhm * MICRO;
  const limits = limitsOf(chip.name, shuntOhm, options.shuntTolerance);
  const label = readFact(`${chip.path}/in${index}_label`);
  return {
    settings: {
      chip: chip.name,
      device: chip.device,
      owner: "kernel driver, through hwmon",
      channel: index,
      ...(label === undefined ? {} : { label }),
      shuntOhm,
      ...(limits?.gain["shuntTolerance"] === undefined ? {} : { shuntTolerance: options.shuntTolerance }),
      intervalMs,
      interval: isTold ? "update_interval of the driver" : options.intervalMs === undefined ? "assumed" : "configured",
    },
    limits,
    averagingUs: intervalMs * 1000,
  };
}

function numberFact(path: string): number | null {
  const text = readFact(path);
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? null : value;
}
