import type { BenchmarkOptions, ResultDevice } from "@edgewatt/protocol";
import { findLag } from "./find-lag.ts";
import { findObserver } from "./find-observer.ts";
import { SLOW_HZ, type CheckContext, type MeterBench } from "./meter-bench.ts";

/** What a result says of its meter. */
export type MeterReport = Pick<ResultDevice, "lag" | "lagNote" | "observer" | "observerNote">;

/** A fact as it is kept, with the moment at which it was found. */
interface Fact<T> {
  readonly atMs: number;
  readonly found: T;
}

/**
 * Alignment of power with load, and what sampling itself draws and delays: measured once a day for a meter with its settings, in the
 * full method alone; a quick run takes what is known.
 */
export async function checkMeter(
  options: BenchmarkOptions,
  bench: MeterBench,
  context: CheckContext,
): Promise<MeterReport> {
  const { power, sampler, meterFacts, clock } = bench;
  const { described, rateHz } = sampler.channel(power.channel);
  if (described === undefined) {
    const why = "the meter gives no readings";
    return { lag: null, lagNote: why, observer: null, observerNote: why };
  }
  const meter = { board: bench.info().hardware.board, ...power, rateHz, settings: described.settings };
  const known = await meterFacts.load(meter);
  const kept = async <T>(fact: Fact<T> | undefined, find: () => Promise<T | string>): Promise<Fact<T> | string> => {
    if (fact !== undefined) return fact;
    const found = await find();
    return typeof found === "string" ? found : { atMs: Math.round(clock.nowUs() / 1000), found };
  };
  const lag = await kept(known.lag, async () => noLag(options, bench) ?? findLag(bench, context));
  const observer = await kept(known.observer, async () => noObserver(options, rateHz) ?? findObserver(bench, context));
  const facts = { lag: factOf(lag), observer: factOf(observer) };
  if (facts.lag !== known.lag || facts.observer !== known.observer) await meterFacts.save(meter, facts);
  return {
    lag: facts.lag?.found ?? null,
    ...(typeof lag === "string" ? { lagNote: lag } : {}),
    observer: facts.observer?.found ?? null,
    ...(typeof observer === "string" ? { observerNote: observer } : {}),
  };
}

/** Why no lag is looked for; `undefined` where one is. */
function noLag({ quick }: BenchmarkOptions, { power }: MeterBench): string | undefined {
  if (power.source === "estimate") return "an estimate from processor time, ten times a second, cannot resolve it";
  return quick ? "not measured in a quick run" : undefined;
}

function noObserver({ quick, observer = !quick }: BenchmarkOptions, rateHz: number): string | undefined {
  if (!observer) return quick ? "not measured in a quick run, unless --observer asks for it" : "not asked for";
  return rateHz > SLOW_HZ ? undefined : `the meter is never read more than ${SLOW_HZ} times a second`;
}

function factOf<T>(found: Fact<T> | string): Fact<T> | undefined {
  return typeof found === "string" ? undefined : found;
}
