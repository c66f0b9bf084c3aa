import type { Lag } from "@edgewatt/protocol";
import { estimateLag } from "../measure/lag.ts";
import { KEEP_S, type CheckContext, type MeterBench } from "./meter-bench.ts";

/** Rests grow, so that the edges meet the readings of a slow meter in all phases. */
const STEPS = { count: 10, onMs: 500, restMs: 500, longerMs: 10 } as const;
/** Readings before the first step and after the last one. */
const AROUND_US = 500_000;

/** By how much power follows load, or why that is not known. */
export async function findLag(bench: MeterBench, context: CheckContext): Promise<Lag | string> {
  const { power, sampler, cores, loadSteps } = bench;
  context.event("info", `${STEPS.count} load steps show by how much power follows load`);
  sampler.setRate({ rate: "full", keepS: KEEP_S });
  const steps = await loadSteps(STEPS, { cores: cores.runner, signal: context.signal });
  const fromUs = (steps[0]?.onUs ?? 0) - AROUND_US;
  const toUs = (steps.at(-1)?.offUs ?? 0) + AROUND_US;
  const trace = await sampler.trace(power.channel, fromUs, toUs);
  if (trace === undefined) return "the sampler was down while the load steps ran";
  const found = estimateLag(trace, sampler.channel(power.channel).described?.averagingUs ?? 0, steps);
  if (found !== undefined) return found;
  // A meter that fails in between says nothing of what it supplies.
  const faults = sampler.faultsBetween(power.channel, fromUs, toUs);
  return faults.length > 0
    ? `the meter failed while the load steps ran: ${faults.join(", ")}`
    : "steps of load do not show in the power: check what the meter supplies";
}
