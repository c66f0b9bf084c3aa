import type { JobContext } from "../jobs/operation.ts";
import type { runLoadSteps } from "../runner/load-steps.ts";
import type { Sampler } from "../sampler/sampler.ts";
import type { ObservedModel } from "./observed-model.ts";
import type { Workbench } from "./workbench.ts";

/** What a meter's own effect is judged against, readings a second. */
export const SLOW_HZ = 5;
/** Seconds of raw readings to keep: those of all load steps. */
export const KEEP_S = 60;

/** What the checks of a meter use of the agent. */
export interface MeterBench extends Pick<Workbench, "power" | "meterFacts" | "cores" | "clock" | "info"> {
  readonly sampler: Pick<Sampler, "channel" | "setRate" | "trace" | "faultsBetween">;
  readonly loadSteps: typeof runLoadSteps;
  readonly openModel: () => Promise<ObservedModel>;
}

export type CheckContext = Pick<JobContext, "signal" | "event">;
