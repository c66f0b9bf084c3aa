import type { DataKind } from "@edgewatt/onnx";
import type { ChannelFlow } from "./channels/flow.ts";
import type { Allocation } from "./choose/allocate.ts";
import type { Criterion } from "./choose/choose.ts";
import type { Alignment } from "./choose/kept-count.ts";
import type { KeptPlaces } from "./cut/cut-graph.ts";

/** Channels that a layer writes. */
export interface LayerChannels {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** A layer that keeps all its channels, and why. */
export interface LeftLayer {
  readonly name: string;
  readonly reason: string;
}

/** What `prune` did; its fields are those of the `--json` document of `edgewatt prune --local`. */
export interface PruneReport {
  readonly in: string;
  readonly out: string;
  readonly fraction: number;
  readonly align: Alignment;
  readonly by: Criterion;
  readonly allocate: Allocation;
  /** Learned parameters, batch-norm scale and shift among them, running statistics not. */
  readonly params: { readonly before: number; readonly after: number };
  /** File sizes, external data included. */
  readonly bytes: { readonly before: number; readonly after: number };
  readonly channels: readonly LayerChannels[];
  readonly left: readonly LeftLayer[];
  /** What the repair was made from. */
  readonly calibration: { readonly kind: DataKind; readonly name: string; readonly images: number };
  readonly wallS: number;
  /** Highest resident memory of the process so far, 10^6 bytes. */
  readonly peakMemoryMb: number;
}

/** Each layer that writes channels, in the order of the graph: how many it keeps, or why it keeps all. */
export function channelReport(
  flow: ChannelFlow,
  kept: KeptPlaces,
  align: Alignment,
): Pick<PruneReport, "channels" | "left"> {
  const outputs = new Map(
    [...flow.dense, ...flow.depthwise, ...flow.grouped].map(({ node, output }) => [node, output]),
  );
  const channels: LayerChannels[] = [];
  const left: LeftLayer[] = [];
  for (const node of flow.graph.nodes) {
    const labels = outputs.get(node);
    if (labels === undefined) {
      if (CHANNEL_WRITERS.has(node.opType))
        left.push({ name: node.name, reason: "its weights or their layout cannot be cut" });
      continue;
    }
    const after = kept(labels).length;
    const reasons = labels.map((label) => flow.labels.reason(label));
    const [reason] = reasons;
    const independent = new Set(labels.map((label) => flow.labels.find(label))).size;
    if (reason !== undefined && reasons.every((other) => other !== undefined)) left.push({ name: node.name, reason });
    else if (after === labels.length && independent <= align && align > 1)
      left.push({
        name: node.name,
        reason: `it has ${independent} channels that could go, no more than the ${align} that are kept together`,
      });
    else channels.push({ name: node.name, before: labels.length, after });
  }
  return { channels, left };
}

const CHANNEL_WRITERS = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);
