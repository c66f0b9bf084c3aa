import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { TestingError } from "../errors.ts";
import { compileSimulator } from "./compile.ts";
import { chargeOf, formatTerm, type Waveform } from "./waveform.ts";

export type SimulatedChipType = "ina219" | "ina226" | "ina228" | "ina238" | "ina260" | "ina3221";

/** A supply and the current that is drawn from it: a number is constant, several waveforms add up. */
export interface SupplyLoad {
  readonly volts: number;
  readonly amps: number | Waveform | readonly Waveform[];
}

/** Errors of a chip's converters and of its oscillator; 0 where left out. */
export interface ConverterErrors {
  readonly shuntGain?: number;
  readonly shuntOffsetV?: number;
  /** Standard deviation of one conversion. */
  readonly shuntNoiseV?: number;
  readonly busGain?: number;
  readonly busOffsetV?: number;
  readonly busNoiseV?: number;
  /** The same seed gives the same noise. */
  readonly seed?: number;
  /** 0.005: the chip converts 0.5 % faster than it says, and its running totals take no notice. */
  readonly clock?: number;
}

export interface ChipFaults {
  /** Pulled out: nobody answers. Its supply is lost with it, so it comes back in its reset state. */
  readonly absent: boolean;
  /** Its conversions never end. */
  readonly stuck: boolean;
  /** Plain memory answers: 256 words that keep what is written. */
  readonly memory: boolean;
  /** A driver of the kernel owns the address. */
  readonly busy: boolean;
  /** Every nth transfer is not acknowledged; 0 = none. */
  readonly nackEvery: number;
}

export interface SimulatedChip {
  readonly type: SimulatedChipType;
  readonly address: number;
  /** One per channel of the chip; the shunt of an INA260 is inside (2 mΩ). */
  readonly channels: readonly (SupplyLoad & { readonly shuntOhm?: number })[];
  readonly errors?: ConverterErrors;
  readonly faults?: Partial<ChipFaults>;
  readonly celsius?: number;
  /** Where the energy register of an INA228 stands at first, in its own steps. */
  readonly presetEnergy?: number;
}

export interface SimulatedBusOptions {
  readonly chips: readonly SimulatedChip[];
  /** Number N of `/dev/i2c-N` (9). */
  readonly bus?: number;
  /** Clock of the bus (400,000). */
  readonly hertz?: number;
  /** Part of the command line of the processes whose processor time a `cpu` waveform follows; no white space. */
  readonly follow?: string;
}

/** Simulated chips on `/dev/i2c-N` for processes that are started with `env`, and the truth about what they measure. */
export interface SimulatedBus {
  readonly bus: number;
  readonly env: { readonly LD_PRELOAD: string; readonly EDGEWATT_SIM_BUS: string };
  /**
   * Another load on a channel (0) of the chip, shortly ahead of now so that every reading knows of it in time.
   * @returns the moment of CLOCK_MONOTONIC from which it holds, µs
   */
  setLoad(address: number, load: SupplyLoad, channel?: number): Promise<number>;
  setFaults(address: number, faults: Partial<ChipFaults>): Promise<void>;
  /** The chip loses its supply for a moment. */
  reset(address: number): Promise<void>;
  /** The adapter itself fails with every transfer, or works again. */
  setBusError(failing: boolean): Promise<void>;
  /**
   * The energy that the load of a channel (0) took between two moments of CLOCK_MONOTONIC (µs), J, from the waveforms'
   * closed forms and not from what the chip made of them.
   */
  energyBetween(address: number, fromUs: number, toUs: number, channel?: number): number;
}

const DEFAULT_BUS = 9;
const DEFAULT_HERTZ = 400_000;
const DEFAULT_SHUNT_OHM = 0.1;
const INTERNAL_SHUNT_OHM = 0.002;
const DEFAULT_CELSIUS = 25;
/** Time to write the control file before a new load holds. */
const LOAD_AHEAD_US = 20_000;

interface Segment extends SupplyLoad {
  readonly fromUs: number;
}

interface Channel {
  readonly shuntOhm: number;
  readonly segments: Segment[];
}

interface ChipState {
  readonly chip: SimulatedChip;
  readonly channels: readonly Channel[];
  faults: Partial<ChipFaults>;
  resets: number;
}

function termsOf({ amps }: SupplyLoad): readonly Waveform[] {
  if (typeof amps === "number") return [{ kind: "constant", amps }];
  return "kind" in amps ? [amps] : amps;
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

function formatChannel({ shuntOhm, segments }: Channel, index: number): string[] {
  return [
    `load ${index} ${shuntOhm}`,
    ...segments.flatMap((segment) => [
      `segment ${segment.fromUs / 1e6} ${segment.volts}`,
      ...termsOf(segment).map((term) => formatTerm(term)),
    ]),
  ];
}

function formatChip({ chip, channels, faults, resets }: ChipState): string[] {
  const { errors = {} } = chip;
  const numbers = {
    shunt_gain: errors.shuntGain ?? 0,
    shunt_offset: errors.shuntOffsetV ?? 0,
    shunt_noise: errors.shuntNoiseV ?? 0,
    bus_gain: errors.busGain ?? 0,
    bus_offset: errors.busOffsetV ?? 0,
    bus_noise: errors.busNoiseV ?? 0,
    seed: errors.seed ?? 1,
    clock_error: errors.clock ?? 0,
    celsius: chip.celsius ?? DEFAULT_CELSIUS,
    preset_energy: chip.presetEnergy ?? 0,
    absent: Number(faults.absent ?? false),
    stuck: Number(faults.stuck ?? false),
    memory: Number(faults.memory ?? false),
    busy: Number(faults.busy ?? false),
    nack_every: faults.nackEvery ?? 0,
    resets,
  };
  return [
    `chip ${chip.type} ${chip.address}`,
    ...Object.entries(numbers).map(([name, value]) => `${name} ${value}`),
    ...channels.flatMap((channel, index) => formatChannel(channel, index)),
  ];
}

/**
 * Compiles the simulator with gcc (needs `requireSystem("gcc")`) and puts the bus's files into `dir`. Chips keep their
 * registers for as long as `dir` lives, whatever becomes of the processes that talk to them.
 * @throws {TestingError} when gcc is missing
 */
export async function createSimulatedBus(dir: string, options: SimulatedBusOptions): Promise<SimulatedBus> {
  const { bus = DEFAULT_BUS, hertz = DEFAULT_HERTZ, follow } = options;
  await mkdir(dir, { recursive: true });
  const library = await compileSimulator();
  const control = path.join(dir, "bus.control");
  const beginUs = monotonicUs();
  let busError = false;
  const chips = options.chips.map((chip): ChipState => {
    const inside = chip.type === "ina260" ? INTERNAL_SHUNT_OHM : DEFAULT_SHUNT_OHM;
    const channels = chip.channels.map(({ shuntOhm = inside, ...load }) => ({
      shuntOhm,
      segments: [{ fromUs: 0, ...load }],
    }));
    return { chip, channels, faults: chip.faults ?? {}, resets: 0 };
  });

  const write = async () => {
    const lines = [
      `bus ${bus}`,
      `hertz ${hertz}`,
      `begin ${beginUs / 1e6}`,
      `bus_error ${Number(busError)}`,
      ...(follow === undefined ? [] : [`follow ${follow}`]),
      ...chips.flatMap((chip) => formatChip(chip)),
    ];
    await writeFile(`${control}.next`, `${lines.join("\n")}\n`);
    await rename(`${control}.next`, control);
  };
  const chipAt = (address: number): ChipState => {
    const found = chips.find(({ chip }) => chip.address === address);
    if (found !== undefined) return found;
    throw new TestingError(`no simulated chip at ${address}`, { code: "no-chip", context: { address } });
  };
  const channelOf = (address: number, index: number): Channel => {
    const found = chipAt(address).channels[index];
    if (found !== undefined) return found;
    throw new TestingError(`the simulated chip at ${address} has no channel ${index}`, {
      code: "no-channel",
      context: { address, index },
    });
  };

  await write();
  return {
    bus,
    env: { LD_PRELOAD: library, EDGEWATT_SIM_BUS: control },
    async setLoad(address, load, channel = 0) {
      const fromUs = monotonicUs() + LOAD_AHEAD_US;
      channelOf(address, channel).segments.push({ fromUs, ...load });
      await write();
      return fromUs;
    },
    async setFaults(address, faults) {
      const chip = chipAt(address);
      chip.faults = { ...chip.faults, ...faults };
      await write();
    },
    async reset(address) {
      chipAt(address).resets += 1;
      await write();
    },
    async setBusError(failing) {
      busError = failing;
      await write();
    },
    energyBetween(address, fromUs, toUs, channel = 0) {
      const { segments } = channelOf(address, channel);
      let joules = 0;
      for (const [i, segment] of segments.entries()) {
        const a = Math.max(fromUs, i === 0 ? -Infinity : segment.fromUs);
        const b = Math.min(toUs, segments[i + 1]?.fromUs ?? Infinity);
        if (b <= a) continue;
        for (const term of termsOf(segment)) joules += segment.volts * chargeOf(term, a, b);
      }
      return joules;
    },
  };
}
