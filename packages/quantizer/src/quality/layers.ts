import {
  deriveModel,
  makeOutput,
  openSession,
  type DataSource,
  type Graph,
  type ModelProto,
  type Session,
} from "@edgewatt/onnx";
import { fittingBatches } from "../calibration/batches.ts";
import type { EmittedModel } from "../emit.ts";
import type { Plan } from "../plan.ts";
import type { LayerReport } from "../report.ts";
import { verificationRange } from "./held-back.ts";
import { NoiseMeter } from "./noise-meter.ts";

/** Images for the layers; they go one at a time, as all layers' outputs are held at once. */
const LAYER_IMAGES = 8;

/** Compares the output of every quantized node, both models run node by node as they are in the file. */
export async function measureLayers(
  graph: Graph,
  plan: Plan,
  emitted: EmittedModel,
  source: DataSource,
  signal: AbortSignal | undefined,
): Promise<LayerReport[]> {
  const layers = plan.quantized.map((node) => {
    const tensor = plan.outputs.get(node) ?? node.output[0] ?? "";
    return {
      name: node.name,
      op: node.opType,
      tensor,
      dequantized: emitted.dequantized.get(tensor) ?? tensor,
      noise: new NoiseMeter(),
    };
  });
  await using float = await openInspected(
    graph.model,
    layers.map((layer) => layer.tensor),
  );
  await using int8 = await openInspected(
    emitted.model,
    layers.map((layer) => layer.dequantized),
  );
  const { first, count } = verificationRange(source, float, LAYER_IMAGES);
  for await (const batch of fittingBatches(float, source, first, count, signal, 1)) {
    const expected = await float.run(batch.feeds, undefined, signal);
    const found = await int8.run(batch.feeds, undefined, signal);
    for (const layer of layers) layer.noise.add(expected[layer.tensor], found[layer.dequantized]);
  }
  return layers.map(({ name, op, noise }) => ({ name, op, sqnrDb: noise.decibels() }));
}

function openInspected(model: ModelProto, outputs: readonly string[]): Promise<Session> {
  return openSession(deriveModel(model, { output: [...new Set(outputs)].map(makeOutput) }), {
    optimization: "disabled",
  });
}
