import {
  type DataSource,
  type DerivedModels,
  deriveModels,
  fittingBatches,
  type Graph,
  makeOutput,
  type ModelProto,
  type NodeProto,
  probeCosts,
  type Session,
} from "@edgewatt/onnx";
import type { Draft } from "../draft/draft.ts";
import type { LayerReport } from "../report.ts";
import { verificationRange } from "./held-back.ts";
import { NoiseMeter } from "./noise-meter.ts";

/** Images for the layers; they go one at a time, as all layers' outputs are held at once. */
const LAYER_IMAGES = 4;

export interface LayerFigures {
  readonly layers: readonly LayerReport[];
  /** Estimated multiply-accumulates of the whole model for one image. */
  readonly macs: number;
}

/** Compares the output of every quantized node, both models run node by node as they are in the file. */
export async function measureLayers(
  { float: graph, quantized, int8: { model, dequantized } }: Draft,
  floatModels: DerivedModels,
  source: DataSource,
  signal: AbortSignal | undefined,
): Promise<LayerFigures> {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const compared = new Set<string>();
  const layers = quantized.flatMap(({ name, opType }) => {
    const tensor = comparedTensor(graph, nodes.get(name)?.output[0], dequantized);
    // A Relu that was absorbed writes what the node before it already stands for.
    if (tensor === undefined || compared.has(tensor)) return [];
    compared.add(tensor);
    return { name, op: opType, tensor, int8Tensor: dequantized.get(tensor) ?? tensor, noise: new NoiseMeter() };
  });
  const costs = await compareOutputs(layers, { graph, floatModels, model }, source, signal);
  return {
    layers: layers.map(({ name, op, noise }) => ({
      name,
      op,
      sqnrDb: noise.decibels(),
      macs: costs.get(name) ?? null,
    })),
    macs: [...costs.values()].reduce((sum, macs) => sum + macs, 0),
  };
}

interface ComparedLayer {
  readonly tensor: string;
  readonly int8Tensor: string;
  readonly noise: NoiseMeter;
}

/** Feeds the noise meters of all layers. @returns multiply-accumulates for one image, by node name */
async function compareOutputs(
  layers: readonly ComparedLayer[],
  { graph, floatModels, model }: { graph: Graph; floatModels: DerivedModels; model: ModelProto },
  source: DataSource,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const probe = probeCosts(graph);
  await using int8Models = await deriveModels(model);
  await using float = await openInspected(floatModels, {
    node: [...graph.nodes, ...probe.nodes],
    output: [...layers.map((layer) => layer.tensor), ...probe.outputs],
  });
  await using int8 = await openInspected(int8Models, { output: layers.map((layer) => layer.int8Tensor) });
  const { first, count } = verificationRange(source, float, LAYER_IMAGES);
  let costs: ReadonlyMap<string, number> | undefined;
  for await (const batch of fittingBatches(float, source, first, count, signal, 1)) {
    const expected = await float.run(batch.feeds, undefined, signal);
    costs ??= new Map([...probe.costs(expected)].map(([name, { macs }]) => [name, macs / batch.count]));
    const found = await int8.run(batch.feeds, undefined, signal);
    for (const layer of layers) layer.noise.add(expected[layer.tensor], found[layer.int8Tensor]);
  }
  return costs ?? new Map();
}

/** What a node writes, in the end: of a node whose Relu or Clip was absorbed only what comes after them is in both models. */
function comparedTensor(
  graph: Graph,
  output: string | undefined,
  dequantized: ReadonlyMap<string, string>,
): string | undefined {
  let tensor = output;
  while (tensor !== undefined && !dequantized.has(tensor)) {
    const next = graph.soleConsumer(tensor);
    if (next?.opType !== "Relu" && next?.opType !== "Clip") return output;
    tensor = next.output[0];
  }
  return tensor;
}

function openInspected(
  models: DerivedModels,
  { node, output }: { node?: NodeProto[]; output: readonly string[] },
): Promise<Session> {
  return models.open(
    { ...(node === undefined ? {} : { node }), output: [...new Set(output)].map(makeOutput) },
    { optimization: "disabled", memoryPattern: false },
  );
}
