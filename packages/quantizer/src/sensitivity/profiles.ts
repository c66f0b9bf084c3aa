import { arch } from "node:process";
import {
  estimateMacs,
  fittingBatches,
  fixedBatch,
  type Graph,
  type ModelProfile,
  type ModelProto,
  profileModel,
  type Session,
  type TensorValue,
} from "@edgewatt/onnx";
import type { QuantizationFormat } from "../int8/format.ts";
import type { EvaluationRange } from "./alone.ts";

/** Inputs that profiled runs take in turn. */
const PROFILED_INPUTS = 8;

export interface Profiles {
  readonly float: ModelProfile;
  readonly int8: ModelProfile;
  /** Multiply-accumulates per image, by the name of the node. */
  readonly macs: ReadonlyMap<string, number>;
  /** Images in a run: one where the model lets it. */
  readonly batch: number;
}

export interface ProfilesWork {
  readonly graph: Graph;
  readonly int8: ModelProto;
  /** The float model, open. */
  readonly session: Session;
  readonly range: EvaluationRange;
  readonly format: QuantizationFormat;
  readonly threads: number;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
  readonly onRuns: (done: number, total: number) => void;
}

/** Times both models node by node on the same images, and counts their work. */
export async function profileBoth(work: ProfilesWork): Promise<Profiles> {
  const { graph, int8, format, threads, name, signal, onRuns } = work;
  const { feeds, batch } = await samples(work);
  const costs = await estimateMacs(graph, feeds[0] ?? {}, signal);
  const common = { threads, ...(signal === undefined ? {} : { signal }) };
  const floatProfile = await profileModel(graph.model, feeds, {
    ...common,
    name,
    onRuns: (done, total) => onRuns(done, 2 * total),
  });
  const int8Profile = await profileModel(int8, feeds, {
    ...common,
    name: `${name} in int8`,
    // On arm64 this is the default, elsewhere such activations stay in float without it.
    int8Activations: format === "s8s8" && arch !== "arm64",
    onRuns: (done, total) => onRuns(total + done, 2 * total),
  });
  return {
    float: floatProfile,
    int8: int8Profile,
    macs: new Map([...costs].map(([node, { macs }]) => [node, macs / batch])),
    batch,
  };
}

async function samples({
  session,
  range,
  signal,
}: ProfilesWork): Promise<{ feeds: Readonly<Record<string, TensorValue>>[]; batch: number }> {
  const feeds = [];
  let batch = 1;
  const count = Math.min(Math.max(PROFILED_INPUTS, fixedBatch(session) ?? 1), range.count);
  for await (const read of fittingBatches(session, range.source, range.first, count, signal, 1)) {
    feeds.push(read.feeds);
    batch = read.count;
  }
  return { feeds, batch };
}
