import type { SensorSettings } from "../sensors/sensor.ts";
import type { SourceId } from "../sensors/index.ts";

/** Mean power of a tenth of a second; `tUs` (CLOCK_MONOTONIC) is its end. Figures that the source lacks are `NaN`. */
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

/** What the sampler child is started with, as JSON in its first argument. */
export interface SamplerStart {
  readonly source: SourceId;
  readonly config: unknown;
  readonly root: string;
}

export type ToSampler =
  | { readonly type: "rate"; readonly full: boolean; readonly keepS: number }
  | { readonly type: "trace"; readonly id: number; readonly fromUs: number; readonly toUs: number };

export type FromSampler =
  | {
      readonly type: "opened";
      readonly settings: SensorSettings;
      readonly rateHz: number;
      readonly accumulates: boolean;
    }
  | { readonly type: "fault"; readonly tUs: number; readonly code: string; readonly message: string }
  | { readonly type: "interval"; readonly interval: PowerInterval }
  | {
      readonly type: "trace";
      readonly id: number;
      readonly tUs: Float64Array;
      readonly watts: Float64Array;
      readonly joules: Float64Array | null;
    };
