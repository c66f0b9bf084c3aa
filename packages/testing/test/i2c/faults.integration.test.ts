import { requireSystem, type SimulatedChip } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { RawBus } from "./raw-bus.ts";
import { StartedBus } from "./start-bus.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const EREMOTEIO = "121";

function chip(more: Partial<SimulatedChip> = {}): SimulatedChip {
  return { type: "ina226", address: AT, channels: [{ shuntOhm: 0.002, volts: 12, amps: 10 }], ...more };
}

function start(...chips: SimulatedChip[]): Promise<StartedBus> {
  return StartedBus.start({ chips });
}

describe.skipIf(gcc.skip)(`a simulated bus ${gcc.reason}`, () => {
  it("can what a Pi's adapter can, and finds its chips", async () => {
    await using started = await start(chip(), chip({ type: "ina228", address: 0x45 }));
    const { raw } = started;
    const [found, functions] = await raw.run<unknown>(["scan"], ["funcs"]);
    expect(found).toEqual([0x40, 0x45]);
    expect(functions).toMatchObject({ i2c: true, smbusReadWord: true, smbusReadI2cBlock: true, smbusReadBlock: false });
    expect(await raw.run(["word", 0x41, 0])).toEqual([EREMOTEIO]);
  });

  it("keeps the pointer between plain reads, and takes bytes as they come", async () => {
    await using started = await start(chip());
    const { raw } = started;
    expect(await raw.run(["word", AT, 0xfe], ["plain", AT, 2], ["receive", AT])).toEqual([0x5449, 0x5449, 0x54]);
    await raw.run(["send", AT, [5, 0x0a, 0x00]], ["send", AT, [0xff]]);
    expect(await raw.run(["plain", AT, 2], ["word", AT, 5], ["byte", AT, 5])).toEqual([0x2260, 0x0a00, 0x0a]);
  });

  it("outlives the processes that talk to it", async () => {
    await using started = await start(chip());
    await started.raw.run(["setWord", AT, 5, 0x0a00]);
    await using other = new RawBus(started.bus);
    expect(await other.run(["word", AT, 5])).toEqual([0x0a00]);
  });

  it("loses a chip, which comes back without its settings", async () => {
    await using started = await start(chip());
    const { bus, raw } = started;
    await raw.run(["setWord", AT, 5, 0x0a00]);
    await bus.setFaults(AT, { absent: true });
    expect(await raw.run(["word", AT, 5], ["scan"])).toEqual([EREMOTEIO, []]);
    await bus.setFaults(AT, { absent: false });
    expect(await raw.run(["word", AT, 5], ["word", AT, 0])).toEqual([0, 0x4127]);
    await raw.run(["setWord", AT, 5, 0x0a00]);
    await bus.reset(AT);
    expect(await raw.run(["word", AT, 5])).toEqual([0]);
  });

  it("refuses an address that a kernel driver owns, and fails as a whole", async () => {
    await using started = await start(chip({ faults: { busy: true } }));
    const { bus, raw } = started;
    expect(await raw.run(["word", AT, 0])).toEqual(["EBUSY"]);
    await bus.setFaults(AT, { busy: false });
    await bus.setBusError(true);
    expect(await raw.run(["word", AT, 0])).toEqual(["EIO"]);
    await bus.setBusError(false);
    expect(await raw.run(["word", AT, 0])).toEqual([0x4127]);
  });

  it("does not acknowledge every nth transfer", async () => {
    await using started = await start(chip({ faults: { nackEvery: 3 } }));
    const [answers] = await started.raw.run<unknown[]>(["times", 6, [["word", AT, 0]]]);
    expect(answers?.flat()).toEqual([0x4127, 0x4127, EREMOTEIO, 0x4127, 0x4127, EREMOTEIO]);
  });

  it("has plain memory where another chip is, and a chip whose conversions never end", async () => {
    await using started = await start(
      chip({ faults: { memory: true } }),
      chip({ address: 0x41, faults: { stuck: true } }),
    );
    const { raw } = started;
    await raw.run(["setWord", AT, 0xfe, 0x1234], ["sleep", 10]);
    expect(await raw.run(["word", AT, 0xfe], ["word", AT, 5], ["word", AT, 2])).toEqual([0x1234, 0, 0]);
    expect(await raw.run(["word", 0x41, 6], ["word", 0x41, 1])).toEqual([0, 0]);
  });
});

describe.skipIf(gcc.skip)(`converters err as they are told to ${gcc.reason}`, () => {
  it("by gain and offset", async () => {
    const errors = { shuntGain: 0.01, shuntOffsetV: -10e-6, busGain: -0.005, busOffsetV: 7.5e-3 };
    await using started = await start(chip({ errors }));
    await started.raw.run(["word", AT, 0], ["sleep", 10]);
    // 20 mV * 1.01 - 10 uV in 2.5 uV; 12 V * 0.995 + 7.5 mV in 1.25 mV.
    expect(await started.raw.run(["word", AT, 1], ["word", AT, 2])).toEqual([8076, 9558]);
  });

  it("by noise of the stated width, which the seed repeats", async () => {
    const errors = { shuntNoiseV: 50e-6, seed: 7 };
    await using started = await start(chip({ errors }), chip({ address: 0x41, errors: { ...errors, seed: 8 } }));
    const { raw } = started;
    // 140 us for each conversion, so that reads through a busy bus see one that is new.
    await raw.run(["setWord", AT, 0, 0x4007], ["setWord", 0x41, 0, 0x4007], ["sleep", 2]);
    const [series = []] = await raw.run<number[][]>([
      "times",
      600,
      [
        ["word", AT, 1],
        ["word", 0x41, 1],
      ],
    ]);
    const columns = [0, 1].map((i) => series.map((row) => row[i] ?? Number.NaN));
    for (const values of columns) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
      // 20 steps of standard deviation around 8000: 0.8 and 0.6 steps of uncertainty.
      expect(Math.abs(mean - 8000)).toBeLessThan(5);
      expect(Math.abs(sd - 20)).toBeLessThan(4);
    }
    expect(columns[0]).not.toEqual(columns[1]);
  });

  it("by a clock that runs fast, which the running totals do not notice", async () => {
    const type = "ina228";
    const right = chip({ type, channels: [{ shuntOhm: 0.0162, volts: 48, amps: 6 }] });
    await using started = await start(right, { ...right, address: 0x41, errors: { clock: 0.02 } });
    const { raw } = started;
    // Both from zero on, at their shortest conversions, with the same time between set-up and reading.
    for (const at of [AT, 0x41]) await raw.run(["setWord", at, 2, 4050], ["setWord", at, 1, 0xf000]);
    const [a0 = 0, b0 = 0] = await raw.run(["wide", AT, 9, 5], ["wide", 0x41, 9, 5]);
    const [, a1 = 0, b1 = 0] = await raw.run(["sleep", 2000], ["wide", AT, 9, 5], ["wide", 0x41, 9, 5]);
    // Reading one after the other takes a moment each time, which is the same for both but for what the machine does.
    expect((b1 - b0) / (a1 - a0)).toBeCloseTo(1.02, 2);
  });
});
