import type { PowerSource } from "@edgewatt/protocol";
import type { z } from "zod";
import type { DeviceError } from "../errors.ts";
import type { OpenI2cBus } from "../i2c/bus.ts";
import type { Recognition } from "./recognition.ts";

/** One reading of one channel, filled in place so that the sampling loop allocates nothing. */
export interface Reading {
  /** CLOCK_MONOTONIC in µs: the middle of the conversion, or for a source that only accumulates the end of its interval. */
  tUs: number;
  /** Power at `tUs`, a mean over the channel's `averagingUs`. */
  watts: number;
  /** `NaN` where the source has no such figure. */
  volts: number;
  amps: number;
  /** Running total of energy for an accumulating source, else `NaN`. */
  joules: number;
  /** Why this channel has no figures this time while others of its meter may have theirs; the rest then means nothing. */
  fault?: DeviceError | undefined;
}

export function emptyReading(): Reading {
  return { tUs: 0, watts: 0, volts: Number.NaN, amps: Number.NaN, joules: Number.NaN, fault: undefined };
}

/** What a reading can be repeated with: address, shunt, range, or the parameters of a model. */
type SensorSettings = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Limits of a channel's error, from its datasheet and its shunt: the half-widths of rectangular distributions, which type B
 * uncertainty is evaluated from (JCGM 100:2008, 4.3.7). Power is V · I, so P · gain, V · offsetA and I · offsetV are errors of power.
 */
export interface ErrorLimits {
  /** Relative errors of power by cause, such as `{ shuntTolerance: 0.01, currentGain: 0.005 }`. */
  readonly gain: Readonly<Record<string, number>>;
  readonly offsetA: number;
  readonly offsetV: number;
  /** Relative error of the chip's own time base, which only a running total of energy depends on; 0 elsewhere. */
  readonly timeBase: number;
}

/** One quantity that a meter measures: most meters have one, an INA3221 three. */
export interface SensorChannel {
  readonly settings: SensorSettings;
  /** What was found out about it since it was opened; no setting, since it differs a little each time. */
  readonly measured?: SensorSettings;
  /** `null` where nobody states them: for a model, and for a source that does not name its chip. */
  readonly limits: ErrorLimits | null;
  /** A reading is the mean over this time around `tUs`, µs. */
  readonly averagingUs: number;
}

/** An open source of power readings. Used by one thread; calls never overlap. */
export interface Sensor extends Disposable {
  /** Readings per second at full rate, all channels at once. */
  readonly rateHz: number;
  /** Whether it converts by a clock of its own and tells when a conversion has ended: `rateHz` is then nominal. */
  readonly hasOwnClock: boolean;
  /** Whether readings carry a running total of energy in `joules`. */
  readonly accumulates: boolean;
  /** In the order of the driver's `channelNames`. Another array when what is known of them has changed. */
  readonly channels: readonly SensorChannel[];
  /** Whether it wants to be read at full rate for some seconds, to get to know the chip's clock. */
  readonly isCalibrating?: boolean;
  /**
   * Reads all channels once, `into` one reading each. `false` when no new conversion has ended since the last call: poll
   * again shortly. A driver of several channels says in `fault` of each which of them it could not read.
   * @throws {DeviceError} when this reading is lost for all channels; the code names the fault
   */
  read(into: readonly Reading[]): boolean;
}

/** What sensors need of the machine, injected so that tests can give other roots. */
export interface SensorHost {
  readonly openI2cBus: OpenI2cBus;
  /** Path under which `/proc` and `/sys` are found; empty in production. */
  readonly root: string;
  readonly monotonicUs: () => number;
}

/** A kind of meter. One folder and one line in the table of `sensors/index.ts` add another. */
export interface SensorDriver<S extends z.ZodObject = z.ZodObject> {
  readonly id: PowerSource;
  /** Its part of the configuration; every field has a default or is described. */
  readonly config: S;
  /** Names of its channels; a single one is called by the meter's own name and is `""` here, which is the default. */
  readonly channelNames?: (config: z.output<S>) => readonly string[];
  /** Whether this machine has it without being told; only sources that can be told from `/sys` or a command have this. */
  readonly detect?: (host: Pick<SensorHost, "root">) => boolean;
  /** How it is known on a bus; only chips on I²C have this. */
  readonly recognition?: Recognition;
  /** @throws {DeviceError} when the meter is not there, is another chip or cannot be set up */
  open(config: z.output<S>, host: SensorHost): Promise<Sensor>;
}

/**
 * Binds a driver's types together. The configuration reaches `open` as JSON from another process, so it is checked once more,
 * which also fills in what a caller left to its default.
 */
export function defineDriver<S extends z.ZodObject>(driver: SensorDriver<S>): SensorDriver<S> {
  return { ...driver, open: async (config, host) => driver.open(driver.config.parse(config), host) };
}
