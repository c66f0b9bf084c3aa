import { estimate } from "./estimate/estimate.ts";
import { ina219 } from "./ina219/ina219.ts";

/** Every source of power this agent can read; the keys are values of `--source`. */
export const SENSORS = { ina219, estimate } as const;

export type SourceId = keyof typeof SENSORS;

export const SOURCE_IDS = ["ina219", "estimate"] as const satisfies readonly SourceId[];
