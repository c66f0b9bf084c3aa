import { execFile } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installedCommand } from "../require-system.ts";

const SOURCE = fileURLToPath(new URL("../../src/i2c/ina219-shim.c", import.meta.url));

/** What flows through the simulated chip, and what becomes of it. */
export interface FakeIna219State {
  readonly volts: number;
  /** Current, or the high half of a square wave. */
  readonly high: number;
  readonly low: number;
  /** Of the square wave on CLOCK_MONOTONIC, high first; 0 = constant. */
  readonly period: number;
  readonly shunt: number;
  /** Nobody answers at the address. */
  readonly absent: boolean;
  /** The chip has lost its supply so many times. */
  readonly resets: number;
  /** Another chip answers: plain registers that keep what is written. */
  readonly memory: boolean;
}

const DEFAULT: FakeIna219State = {
  volts: 5,
  high: 0.5,
  low: 0.2,
  period: 0,
  shunt: 0.1,
  absent: false,
  resets: 0,
  memory: false,
};

/** A simulated INA219 at 0x40 of `/dev/i2c-9` for processes that are started with `env`. */
export interface FakeIna219 {
  readonly bus: 9;
  readonly address: 0x40;
  readonly env: { readonly LD_PRELOAD: string; readonly EDGEWATT_FAKE_I2C: string };
  /** Takes effect within 10 ms. */
  set(state: Partial<FakeIna219State>): Promise<void>;
}

/** Compiles the shim with gcc into `dir` (needs `requireSystem("gcc")`) and sets its first state. */
export async function createFakeIna219(dir: string, state: Partial<FakeIna219State> = {}): Promise<FakeIna219> {
  await mkdir(dir, { recursive: true });
  const library = path.join(dir, "ina219-shim.so");
  const control = path.join(dir, "ina219.control");
  await promisify(execFile)(installedCommand("gcc"), ["-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lm"]);
  let current = { ...DEFAULT, ...state };
  const write = async () => {
    const lines = Object.entries(current).map(([name, value]) => `${name} ${Number(value)}\n`);
    await writeFile(`${control}.next`, lines.join(""));
    await rename(`${control}.next`, control);
  };
  await write();
  return {
    bus: 9,
    address: 0x40,
    env: { LD_PRELOAD: library, EDGEWATT_FAKE_I2C: control },
    async set(change) {
      current = { ...current, ...change };
      await write();
    },
  };
}
