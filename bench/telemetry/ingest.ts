import { findCommand } from "@edgewatt/testing";
import { findTelegraf } from "../peers/telegraf.ts";
import { describeSpread, spreadOf } from "../processes.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Goal, type Suite } from "../suite.ts";
import { startOurs, startTelegraf, type TelegrafInput } from "./contestants.ts";
import { runOverMqtt, runRaw, type Figures } from "./runs.ts";
import { makeStream, type StreamShape } from "./stream.ts";

const ROUNDS = 3;
const T0_US = 1_760_000_000_000_000;

/** The same points per second of a fleet in two forms: many small batches, and few large ones. */
const STREAMS: Readonly<Record<string, StreamShape>> = {
  "100x10hz": { devices: 100, rateHz: 10, batchesPerDevice: 400 },
  "10x100hz": { devices: 10, rateHz: 100, batchesPerDevice: 400 },
};

const GOAL_TELEGRAF: Goal = { comparison: ">=", ratio: 1.5 };
const GOAL_RAW: Goal = { comparison: ">=", ratio: 0.7 };

const PER_CPU = "points per CPU second";

/** How Telegraf is given the stream, for results. */
const INPUTS: Readonly<Record<TelegrafInput, { readonly key: string; readonly form: string }>> = {
  json_v2: { key: "telegraf-json", form: "JSON by rows" },
  influx: { key: "telegraf-lines", form: "line protocol" },
};

/** A result of the suite: what of ours is divided by what of which peer. */
interface Comparison {
  readonly name: string;
  readonly figure: keyof Figures;
  readonly unit: string;
  readonly peer: string;
  readonly theirs: readonly Figures[];
  readonly goal: Goal;
}

/**
 * Points that reach the database per second of processor time, for our ingest, for Telegraf and for a program that only writes, in
 * turn on the same stream, which the broker hands out as fast as each takes it.
 */
export const ingest: Suite = { run: measure };

async function* measure({ signal, say }: BenchContext): AsyncGenerator<BenchResult> {
  if (findCommand("influxd") === undefined) {
    yield unmeasured("telemetry/ingest", "points/s", "influxd is not installed: run scripts/system-packages.sh");
    return;
  }
  const telegraf = await findTelegraf();
  const inputs: TelegrafInput[] = telegraf.file === null ? [] : ["json_v2", "influx"];
  for (const [shapeName, shape] of Object.entries(STREAMS)) {
    const name = `telemetry/ingest/${shapeName}`;
    const warmUpBatches = shape.batchesPerDevice / 4;
    const stream = {
      warmUp: makeStream({ ...shape, batchesPerDevice: warmUpBatches }, T0_US, 0),
      counted: makeStream(shape, T0_US, warmUpBatches),
    };
    const ours: Figures[] = [];
    const raw: Figures[] = [];
    const theirs = new Map<TelegrafInput, Figures[]>(inputs.map((input) => [input, []]));
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      ours.push(await runOverMqtt(startOurs, stream));
      for (const [input, figures] of theirs) {
        figures.push(await runOverMqtt((place) => startTelegraf(telegraf.file ?? "", input, place), stream));
      }
      raw.push(await runRaw(stream));
      say(`${name}: round ${round + 1} of ${ROUNDS}`);
    }
    const label = telegraf.file === null ? "" : telegraf.label;
    const comparisons: Comparison[] = [...theirs].map(([input, figures]) => ({
      name: `${name}/${INPUTS[input].key}`,
      figure: "perCpuS",
      unit: PER_CPU,
      peer: `${label}, ${INPUTS[input].form}`,
      theirs: figures,
      goal: GOAL_TELEGRAF,
    }));
    const peer = "lines from a file, written raw";
    comparisons.push(
      { name: `${name}/raw-cpu`, figure: "perCpuS", unit: PER_CPU, peer, theirs: raw, goal: GOAL_RAW },
      { name: `${name}/raw-rate`, figure: "perS", unit: "points per second", peer, theirs: raw, goal: GOAL_RAW },
    );
    yield* comparisons.map((comparison) => resultOf(ours, comparison));
    if (telegraf.file === null) yield unmeasured(`${name}/telegraf`, PER_CPU, telegraf.note);
  }
}

function resultOf(ours: readonly Figures[], { name, figure, unit, peer, theirs, goal }: Comparison): BenchResult {
  const [own, other] = [ours, theirs].map((figures) => spreadOf(figures.map((one) => one[figure])));
  if (own === undefined || other === undefined) return unmeasured(name, unit, "nothing was measured");
  const note = `${ROUNDS} rounds in turn, min / median / max: ours ${describeSpread(own, 0)}, theirs ${describeSpread(other, 0)}`;
  return compare({ name, value: own.median, unit, peer, peerValue: other.median, note }, goal);
}
