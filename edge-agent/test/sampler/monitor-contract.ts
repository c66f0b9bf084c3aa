import type { SimulatedChip, SimulatedChipType, SupplyLoad, Waveform } from "@edgewatt/testing";
import { eventually, requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { SamplerRig } from "./sampler-rig.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const STEADY: SupplyLoad = { volts: 5, amps: 0.8 };

const WAVES = {
  square: { kind: "square", lowA: 0.2, highA: 1, periodS: 0.05, duty: 0.3 },
  sine: { kind: "sine", meanA: 0.7, amplitudeA: 0.4, periodS: 0.031 },
  ramp: { kind: "ramp", lowA: 0.1, highA: 1.1, periodS: 0.07 },
} as const satisfies Record<string, Waveform>;

/** What is particular of a chip among those that this contract holds for. */
export interface MonitorFacts {
  readonly type: SimulatedChipType;
  readonly shuntOhm: number;
  /** Settings of the driver; the address is added. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Relative: what its steps leave of 4 W, 5 V and 0.8 A. */
  readonly resolution: number;
  /**
   * Of a tenth of a second's watts, relative: more than the resolution where they come from running totals, which are only as
   * good as the moments at which this machine let them be read.
   */
  readonly wattsError?: number;
  /** Of the energy of two seconds of each wave, relative. */
  readonly waveError: Readonly<Record<keyof typeof WAVES, number>>;
  /** Between readings at full rate, µs; `Infinity` where running totals know the energy of any gap. */
  readonly gapUs: number;
  /** A load that the chip cannot hold, and what is said of it. */
  readonly tooMuch: SupplyLoad;
  readonly overflow: RegExp;
}

/** A sampler with this chip alone; other channels of it carry nothing. */
function startMonitor(
  { type, shuntOhm, config }: MonitorFacts,
  load: SupplyLoad = STEADY,
  more: Partial<SimulatedChip> = {},
): Promise<SamplerRig> {
  const chips = [{ type, address: AT, channels: [{ shuntOhm, ...load }], ...more }];
  return SamplerRig.start({ chips }, [{ source: type, config: { address: AT, ...config } }]);
}

/** What every power monitor does in the agent's sampler, through the real i2c-bus addon. */
export function describeMonitor(facts: MonitorFacts): void {
  const name = facts.type.toUpperCase();
  const start = (load?: SupplyLoad, more?: Partial<SimulatedChip>) => startMonitor(facts, load, more);
  const { resolution, wattsError = resolution } = facts;
  const relative = (value = Number.NaN, truth: number) => Math.abs(value / truth - 1);

  describe.skipIf(gcc.skip)(`${name} through i2c-bus ${gcc.reason}`, () => {
    it("reads the true watts, volts and amps", async () => {
      await using rig = await start();
      for (const { w, v, a } of await rig.healthy()) {
        expect(relative(w, 4)).toBeLessThan(wattsError);
        expect(relative(v, 5)).toBeLessThan(resolution);
        expect(relative(a, 0.8)).toBeLessThan(resolution);
      }
      const intervals = rig.intervals();
      expect(intervals.every(({ wMin, w, wMax }) => wMin <= w && w <= wMax)).toBe(true);
    });

    it.each(Object.keys(WAVES) as (keyof typeof WAVES)[])("integrates a %s wave to its energy", async (wave) => {
      await using rig = await start({ volts: 5, amps: WAVES[wave] });
      await rig.healthy();
      const { error } = await rig.compare(2, { address: AT, gapUs: facts.gapUs });
      expect(Math.abs(error)).toBeLessThan(facts.waveError[wave]);
    });

    it("errs by its gain and offset as its limits of error count them", async () => {
      const errors = { shuntGain: 0.01, busGain: -0.004 };
      await using rig = await start(STEADY, { errors });
      for (const { w, v, a } of await rig.healthy()) {
        expect(relative(w, 4 * 1.01 * 0.996)).toBeLessThan(wattsError);
        expect(relative(v, 5 * 0.996)).toBeLessThan(resolution);
        expect(relative(a, 0.8 * 1.01)).toBeLessThan(resolution);
      }
      const limits = rig.sampler.channel("main").described?.limits;
      expect(Object.values(limits?.gain ?? {}).every((limit) => limit > 0 && limit < 0.1)).toBe(true);
    });

    it("is named when it is gone, and read on when it is back", async () => {
      await using rig = await start();
      await rig.healthy();
      await rig.bus.setFaults(AT, { absent: true });
      await rig.faulty("no-answer", /nothing answers at 0x40/);
      await rig.bus.setFaults(AT, { absent: false });
      for (const { w } of await rig.healthy()) expect(relative(w, 4)).toBeLessThan(wattsError);
    });

    it("is waited for while a kernel driver owns its address, and while the bus fails", async () => {
      await using rig = await start(STEADY, { faults: { busy: true } });
      await rig.faulty("address-busy", /a kernel driver owns the chip at 0x40/);
      await rig.bus.setFaults(AT, { busy: false });
      await rig.healthy();
      await rig.bus.setBusError(true);
      await rig.faulty("bus-error", /failed \(EIO\)/);
      await rig.bus.setBusError(false);
      await rig.healthy();
    });

    it("loses readings to a bad contact, and nothing else", async () => {
      await using rig = await start();
      await rig.healthy();
      await rig.bus.setFaults(AT, { nackEvery: 23 });
      await rig.hadFault("no-answer");
      for (const { w } of await rig.next(2)) expect(relative(w, 4)).toBeLessThan(wattsError);
    });

    it("is set up again when it was reset, and gives no false figure meanwhile", async () => {
      await using rig = await start();
      await rig.healthy();
      await rig.bus.reset(AT);
      await rig.hadFault("calibration-lost");
      await rig.healthy();
      expect(rig.intervals().every(({ w }) => relative(w, 4) < wattsError)).toBe(true);
    });

    it("is named when its conversions do not end", async () => {
      await using rig = await start();
      await rig.healthy();
      await rig.bus.setFaults(AT, { stuck: true });
      await rig.faulty("not-ready", /did not end in time/);
      await rig.bus.setFaults(AT, { stuck: false });
      await rig.healthy();
    });

    it("reports overflow instead of a wrong figure", async () => {
      await using rig = await start();
      await rig.healthy();
      await rig.bus.setLoad(AT, facts.tooMuch);
      await rig.faulty("overflow", facts.overflow);
      await rig.bus.setLoad(AT, STEADY);
      await eventually(async () => rig.healthy(), { timeoutMs: 45_000 });
    });

    it("is not mistaken for plain memory at its address", async () => {
      await using rig = await start(STEADY, { faults: { memory: true } });
      await rig.faulty("wrong-chip", new RegExp(`is no ${name}`));
    });
  });
}
