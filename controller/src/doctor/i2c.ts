import { access, constants, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { binOf } from "../stack/bins.ts";
import { type Check, ok, warn } from "./check.ts";

/** The bus on the pins of a Raspberry Pi; the others serve its displays and cameras. */
const PIN_BUS = 1;
const FAST_HZ = 400_000;

/** Whether the addon was built can be seen without loading it, which only the sampler child may. */
export function checkI2cAddon(): Check {
  const ofAgent = createRequire(binOf("agent"));
  try {
    ofAgent.resolve("i2c-bus/build/Release/i2c.node");
    return ok("i2c-bus", "the addon is built");
  } catch {
    return warn(
      "i2c-bus",
      "the addon is not built",
      "for real sensors install g++, make and python3 and run npm ci again",
    );
  }
}

/** Numbers of the I²C buses that programs can open, in order. */
export async function i2cBuses(root: string): Promise<number[]> {
  const entries = await readdir(`${root}/dev`).catch(() => []);
  return entries
    .flatMap((name) => /^i2c-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export function checkI2cEnabled(buses: readonly number[]): Check {
  return buses.length > 0
    ? ok("i2c", buses.map((bus) => `/dev/i2c-${bus}`).join(", "))
    : warn(
        "i2c",
        "no /dev/i2c-* on this machine",
        "on a Raspberry Pi: sudo raspi-config nonint do_i2c 0; without a sensor power is an estimate",
      );
}

export async function checkI2cAccess(root: string, buses: readonly number[]): Promise<Check | undefined> {
  const refused: number[] = [];
  for (const bus of buses) {
    await access(`${root}/dev/i2c-${bus}`, constants.R_OK | constants.W_OK).catch(() => refused.push(bus));
  }
  if (buses.length === 0) return undefined;
  return refused.length === 0
    ? ok("i2c access", "this user may read and write")
    : warn(
        "i2c access",
        `this user may not open ${refused.map((bus) => `/dev/i2c-${bus}`).join(", ")}`,
        "sudo usermod -aG i2c $USER, then log in again",
      );
}

/** The speed that the device tree asks for (a big-endian word); the one on the wire follows the core clock. */
export async function checkI2cSpeed(root: string, wanted: readonly number[]): Promise<Check | undefined> {
  const buses = wanted.length === 0 ? [PIN_BUS] : wanted;
  const speeds: { bus: number; hz: number }[] = [];
  for (const bus of buses) {
    const word = await readFile(`${root}/sys/bus/i2c/devices/i2c-${bus}/of_node/clock-frequency`).catch(
      () => undefined,
    );
    if (word !== undefined && word.byteLength >= 4) speeds.push({ bus, hz: word.readUInt32BE(0) });
  }
  if (speeds.length === 0) return undefined;
  const shown = speeds.map(({ bus, hz }) => `/dev/i2c-${bus} ${hz / 1000} kHz`).join(", ");
  return speeds.every(({ hz }) => hz >= FAST_HZ)
    ? ok("i2c speed", shown)
    : warn(
        "i2c speed",
        shown,
        "a fast meter needs 400 kHz: dtparam=i2c_arm=on,i2c_arm_baudrate=400000 in /boot/firmware/config.txt, then reboot",
      );
}
