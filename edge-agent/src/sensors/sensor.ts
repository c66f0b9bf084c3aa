import type { PowerSource } from "@edgewatt/protocol";
import type { z } from "zod";
import type { OpenI2cBus } from "../i2c/bus.ts";

/** One reading, filled in place so that the sampling loop allocates nothing. */
export interface Reading {
  /** CLOCK_MONOTONIC in µs: the middle of the conversion, or for an accumulating source the end of its interval. */
  tUs: number;
  watts: number;
  /** `NaN` where the source has no such figure. */
  volts: number;
  amps: number;
  /** Running total of energy for an accumulating source, else `NaN`. */
  joules: number;
}

/** What a reading can be repeated with: address, shunt, range, or the parameters of a model. */
export type SensorSettings = Readonly<Record<string, string | number | boolean | null>>;

/** An open source of power readings. Used by one thread; calls never overlap. */
export interface Sensor extends Disposable {
  /** Readings per second at full rate. */
  readonly rateHz: number;
  /** Whether readings carry a running total of energy in `joules`. */
  readonly accumulates: boolean;
  readonly settings: SensorSettings;
  /**
   * Reads once. `false` when no new conversion has ended since the last call: poll again shortly.
   * @throws {DeviceError} when this reading is lost; the code names the fault
   */
  read(into: Reading): boolean;
}

/** What sensors need of the machine, injected so that tests can give other roots. */
interface SensorHost {
  readonly openI2cBus: OpenI2cBus;
  /** Path under which `/proc` and `/sys` are found; empty in production. */
  readonly root: string;
  readonly monotonicUs: () => number;
}

/** A kind of meter. One folder and one line in the table of `sensors/index.ts` add another. */
export interface SensorDriver<S extends z.ZodType = z.ZodType> {
  readonly id: PowerSource;
  /** Its part of the configuration; every field has a default or is described. */
  readonly config: S;
  /** @throws {DeviceError} when the meter is not there, is another chip or cannot be set up */
  open(config: z.output<S>, host: SensorHost): Promise<Sensor>;
}

/** Binds a driver's types together. */
export function defineDriver<S extends z.ZodType>(driver: SensorDriver<S>): SensorDriver<S> {
  return driver;
}
