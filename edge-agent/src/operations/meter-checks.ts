import type { BenchmarkOptions, PowerSource, ResultDevice } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import { measureStretch } from "../measure/energy.ts";
import { estimateLag } from "../measure/lag.ts";
import type { MeterFacts } from "../measure/meter-facts.ts";
import { observerEffect, type Alternation } from "../measure/observer-effect.ts";
import type { runLoadSteps } from "../runner/load-steps.ts";
import type { Sampler } from "../sampler/sampler.ts";
import type { Workbench } from "./workbench.ts";

/** Rests grow, so that the edges meet the readings of a slow meter in all phases. */
const STEPS = { count: 10, onMs: 500, restMs: 500, longerMs: 10 } as const;
/** Readings before the first step and after the last one. */
const AROUND_US = 500_000;
const SLOW_HZ = 5;
const ALTERNATIONS = 4;
const STRETCH_S = 2;
/** A change of rate takes effect in the meter's next turn. */
const SETTLE_S = 0.5;
const KEEP_S = 60;

/** What the checks use of the agent. */
export interface MeterBench extends Pick<Workbench, "power" | "meterFacts" | "cores" | "clock" | "info"> {
  readonly sampler: Pick<Sampler, "channel" | "setRate" | "trace">;
  readonly loadSteps: typeof runLoadSteps;
}

type CheckContext = Pick<JobContext, "signal" | "event">;

/** What a result says of its meter. */
export type MeterReport = Pick<ResultDevice, "lag" | "lagNote" | "observer">;

/**
 * Alignment of power with load, and what sampling itself draws: measured once a day for a meter with its settings, in the full
 * method alone; a quick run takes what is known.
 */
export async function checkMeter(
  options: BenchmarkOptions,
  bench: MeterBench,
  context: CheckContext,
): Promise<MeterReport> {
  const { power, sampler, meterFacts } = bench;
  const { described, rateHz } = sampler.channel(power.channel);
  if (described === undefined) return { lag: null, lagNote: "the meter gives no readings", observer: null };
  const meter = { board: bench.info().hardware.board, ...power, rateHz, settings: described.settings };
  const known = await meterFacts.load(meter);
  const lag = known.lag ?? (options.quick || power.source === "estimate" ? undefined : await findLag(bench, context));
  const wanted = options.observer ?? !options.quick;
  const observer = known.observer ?? (wanted && rateHz > SLOW_HZ ? await findObserver(bench, context) : undefined);
  if (lag !== known.lag || observer !== known.observer) await meterFacts.save(meter, { lag, observer });
  return {
    lag: lag?.found ?? null,
    ...(lag === undefined ? { lagNote: unknownLag(power.source, options.quick) } : {}),
    observer: observer?.found ?? null,
  };
}

function unknownLag(source: PowerSource, quick: boolean): string {
  if (source === "estimate") return "an estimate from processor time, ten times a second, cannot resolve it";
  return quick
    ? "not measured in a quick run"
    : "steps of load do not show in the power: check what the meter supplies";
}

async function findLag(bench: MeterBench, context: CheckContext): Promise<MeterFacts["lag"]> {
  const { power, sampler, cores, clock, loadSteps } = bench;
  const channel = sampler.channel(power.channel);
  context.event("info", `${STEPS.count} load steps show by how much power follows load`);
  sampler.setRate({ rate: "full", keepS: KEEP_S });
  const steps = await loadSteps(STEPS, { cores: cores.runner, signal: context.signal });
  const fromUs = (steps[0]?.onUs ?? 0) - AROUND_US;
  const toUs = (steps.at(-1)?.offUs ?? 0) + AROUND_US;
  const trace = await sampler.trace(power.channel, fromUs, toUs);
  const found = trace && estimateLag(trace, channel.described?.averagingUs ?? 0, steps);
  return found && { atMs: Math.round(clock.nowUs() / 1000), found };
}

async function findObserver(bench: MeterBench, context: CheckContext): Promise<MeterFacts["observer"]> {
  const { power, sampler, clock } = bench;
  context.event("info", `what sampling itself draws: ${ALTERNATIONS * 4 * (STRETCH_S + SETTLE_S)} s of idle`);
  const idle = async (rate: number | "full"): Promise<number> => {
    sampler.setRate({ rate, keepS: KEEP_S });
    await clock.sleep(SETTLE_S * 1000, context.signal);
    const fromUs = clock.monotonicUs();
    await clock.sleep(STRETCH_S * 1000, context.signal);
    const toUs = clock.monotonicUs();
    const trace = await sampler.trace(power.channel, fromUs, toUs);
    return (trace && measureStretch(trace, fromUs, toUs)?.meanW) ?? Number.NaN;
  };
  const alternations: Alternation[] = [];
  for (let i = 0; i < ALTERNATIONS; i++) {
    const four: Alternation = [await idle("full"), await idle(SLOW_HZ), await idle(SLOW_HZ), await idle("full")];
    if (!four.some(Number.isNaN)) alternations.push(four);
  }
  const found = observerEffect(alternations);
  if (found === undefined) return undefined;
  const atMs = Math.round(clock.nowUs() / 1000);
  const note =
    power.source === "estimate" ? { note: "an estimate sees the processor time of sampling alone, no bus" } : {};
  return { atMs, found: { fastHz: sampler.channel(power.channel).rateHz, slowHz: SLOW_HZ, ...found, ...note } };
}
