import { differenceOf, type Alternation, type Difference } from "../measure/alternation.ts";
import { measureStretch } from "../measure/energy.ts";
import type { MeterFacts } from "../measure/meter-facts.ts";
import { KEEP_S, SLOW_HZ, type CheckContext, type MeterBench } from "./meter-bench.ts";

const ALTERNATIONS = 4;
const IDLE_S = 2;
/** A change of rate takes effect in the meter's next turn. */
const SETTLE_S = 0.5;

/** What reading the meter at full rate draws, and by how much it slows a model down; or why that is not known. */
export async function findObserver(
  bench: MeterBench,
  context: CheckContext,
): Promise<NonNullable<MeterFacts["observer"]>["found"] | string> {
  const { power, sampler } = bench;
  const idleS = ALTERNATIONS * 4 * (IDLE_S + SETTLE_S);
  context.event("info", `what reading the meter draws and delays: ${idleS} s of idle, then short runs of a model`);
  const watts = await alternate(() => idleW(bench, context), bench, context);
  if (watts === undefined) return "the meter gave too few readings while its own effect was measured";
  await using model = await bench.openModel();
  const ms = await alternate(() => model.latencyMs(), bench, context);
  if (ms === undefined) return "the model gave no latencies while the meter's effect was measured";
  return {
    fastHz: sampler.channel(power.channel).rateHz,
    slowHz: SLOW_HZ,
    fastW: watts.fast,
    slowW: watts.slow,
    deltaW: watts.delta,
    halfWidth95W: watts.halfWidth95,
    latency: {
      ...model.what,
      fastMs: ms.fast,
      slowMs: ms.slow,
      deltaMs: ms.delta,
      halfWidth95Ms: ms.halfWidth95,
    },
    ...(power.source === "estimate" ? { note: "an estimate sees the processor time of sampling alone, no bus" } : {}),
  };
}

/** Measures a figure while the meter is read fast, slowly, slowly, fast, several times; a figure that is not known is `NaN`. */
async function alternate(
  figure: () => Promise<number>,
  { sampler, clock }: MeterBench,
  { signal }: CheckContext,
): Promise<Difference | undefined> {
  const at = async (rate: number | "full"): Promise<number> => {
    sampler.setRate({ rate, keepS: KEEP_S });
    await clock.sleep(SETTLE_S * 1000, signal);
    return figure();
  };
  const alternations: Alternation[] = [];
  for (let i = 0; i < ALTERNATIONS; i++) {
    const four: Alternation = [await at("full"), await at(SLOW_HZ), await at(SLOW_HZ), await at("full")];
    if (!four.some(Number.isNaN)) alternations.push(four);
  }
  return differenceOf(alternations);
}

async function idleW({ power, sampler, clock }: MeterBench, { signal }: CheckContext): Promise<number> {
  const fromUs = clock.monotonicUs();
  await clock.sleep(IDLE_S * 1000, signal);
  const toUs = clock.monotonicUs();
  const trace = await sampler.trace(power.channel, fromUs, toUs);
  return (trace && measureStretch(trace, fromUs, toUs)?.meanW) ?? Number.NaN;
}
