import path from "node:path";
import { fileURLToPath } from "node:url";
import { requireKernel, runInKernel } from "@edgewatt/testing";
import { beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Ten seconds on an idle machine, for all of this file. */
const TIMEOUT_MS = 240_000;

const inRoot = (place: string) => path.join(ROOT, place);
const modules = ["i2c-bus", "bindings", "file-uri-to-path", "zod"].map((name) => [
  `node_modules/${name}`,
  inRoot(`node_modules/${name}`),
]);
const FILES = {
  ...Object.fromEntries(modules),
  "edge-agent/package.json": inRoot("edge-agent/package.json"),
  "edge-agent/dist": inRoot("edge-agent/dist"),
  "node_modules/@edgewatt/protocol/package.json": inRoot("packages/protocol/package.json"),
  "node_modules/@edgewatt/protocol/dist": inRoot("packages/protocol/dist"),
};

interface Figures {
  readonly volts: number;
  readonly amps: number;
  readonly watts: number;
}

interface GuestResult {
  readonly adapter: string;
  readonly chips: Readonly<
    Record<
      string,
      {
        readonly kernelShuntOhm: number;
        readonly settings: Readonly<Record<string, number>>;
        readonly rows: readonly {
          readonly volts: number;
          readonly amps: number;
          readonly ready: boolean;
          readonly ours: Figures;
          readonly kernel: Figures;
        }[];
      }
    >
  >;
  readonly faults: Readonly<Record<string, string>>;
}

const kernel = requireKernel();

/** Steps of the kernel's own scaling at its fixed calibration: ina2xx-adc.c, `ina2xx_config`, for a shunt of 10 mΩ. */
const KERNEL_LSB = {
  ina219: { volts: 0.004, amps: 0.001, watts: 0.02 },
  ina226: { volts: 0.00125, amps: 0.00025, watts: 0.00625 },
} as const;
/** One step of the shunt's ADC (10 and 2.5 µV) over 10 mΩ. */
const SHUNT_STEP_A = { ina219: 0.001, ina226: 0.00025 } as const;

describe.skipIf(kernel.skip)(`the kernel's I²C stack, booted in QEMU ${kernel.reason}`, () => {
  let result: GuestResult;
  beforeAll(async () => {
    const guest = {
      program: inRoot("tests/kernel/guest.mjs"),
      files: FILES,
      moduleArguments: { "i2c-stub": "chip_addr=0x40,0x41,0x44,0x45" },
    };
    result = JSON.parse(await runInKernel(guest, TIMEOUT_MS)) as GuestResult;
  }, TIMEOUT_MS);

  it("is a real bus of the kernel", () => {
    expect(result.adapter).toMatch(/stub/i);
  });

  it.each(["ina219", "ina226"] as const)("%s: the driver agrees with the kernel's ina2xx-adc", (name) => {
    const chip = result.chips[name];
    if (chip === undefined) throw new RangeError(`no rows of ${name}`);
    expect(chip.kernelShuntOhm).toBe(0.01);
    expect(chip.rows).toHaveLength(30);
    const lsb = KERNEL_LSB[name];
    const { powerLsbW = Number.NaN, currentLsbA = Number.NaN } = chip.settings;
    for (const { volts, amps, ready, ours, kernel: theirs } of chip.rows) {
      expect(ready).toBe(true);
      expect(ours.volts).toBeCloseTo(theirs.volts, 9);
      expect(Math.abs(ours.volts - volts)).toBeLessThanOrEqual(lsb.volts / 2 + 1e-9);
      // From the same shunt and bus voltage each chip computes by its own calibration, and truncates current and power.
      const truncatedW = lsb.watts + volts * lsb.amps + powerLsbW + volts * currentLsbA;
      expect(Math.abs(ours.watts - theirs.watts)).toBeLessThanOrEqual(truncatedW);
      const roundedW = (volts * SHUNT_STEP_A[name]) / 2 + (amps * lsb.volts) / 2 + 1e-6;
      expect(ours.watts - volts * amps).toBeLessThanOrEqual(roundedW);
      expect(volts * amps - ours.watts).toBeLessThanOrEqual(roundedW + powerLsbW + volts * currentLsbA);
    }
  });

  it("names what the kernel refuses", () => {
    expect(result.faults).toEqual({
      absent: "no-answer",
      owned: "address-busy",
      ownedAgain: "address-busy",
      noBus: "bus-absent",
    });
  });
});
