import type { ReadingReport } from "./reading-report.ts";
import type { Meter } from "../sensors/meters.ts";
import type { SensorChannel } from "../sensors/sensor.ts";

/** Mean power of an interval; `tUs` (CLOCK_MONOTONIC) is its end. Figures that the source lacks are `NaN`. */
export interface PowerInterval {
  readonly tUs: number;
  readonly w: number;
  readonly wMin: number;
  readonly wMax: number;
  readonly v: number;
  readonly a: number;
  /** Raw readings inside; 0 when the interval lies between two readings. */
  readonly n: number;
}

/** Intervals of one channel, column by column. */
export interface PowerBlock {
  readonly tUs: Float64Array;
  readonly w: Float64Array;
  readonly wMin: Float64Array;
  readonly wMax: Float64Array;
  readonly v: Float64Array;
  readonly a: Float64Array;
}

/** What the sampler child is started with, as JSON in its first argument. */
export interface SamplerStart {
  readonly meters: readonly Meter[];
  readonly root: string;
}

/** How fast meters are read: a rate in Hz where the meter can do as much, or all that each can do. */
export type SamplingRate = number | "full";

export type ToSampler =
  | {
      readonly type: "rate";
      readonly rate: SamplingRate;
      readonly keepS: number;
      /** Intervals of telemetry in a second, where the meter reads as often. */
      readonly meansHz: number;
    }
  | {
      readonly type: "trace";
      readonly id: number;
      readonly channel: string;
      readonly fromUs: number;
      readonly toUs: number;
    };

export type FromSampler =
  | {
      readonly type: "opened";
      readonly meter: string;
      readonly rateHz: number;
      readonly accumulates: boolean;
      readonly channels: readonly SensorChannel[];
    }
  | {
      readonly type: "fault";
      readonly meter: string;
      /** `undefined`: all channels of the meter. */
      readonly channel: string | undefined;
      readonly tUs: number;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: "intervals"; readonly channel: string; readonly block: PowerBlock }
  | { readonly type: "readings"; readonly channel: string; readonly report: ReadingReport }
  | {
      readonly type: "trace";
      readonly id: number;
      readonly tUs: Float64Array;
      readonly watts: Float64Array;
      readonly joules: Float64Array | null;
    };
