import {
  deriveModel,
  makeOutput,
  openSession,
  type DataSource,
  type Graph,
  type ModelProto,
  type Session,
  type TensorValue,
} from "@edgewatt/onnx";
import { fittingBatches, fixedBatch } from "./calibration.ts";
import type { EmittedModel } from "./emit.ts";
import type { Plan } from "./plan.ts";
import type { LayerReport } from "./report.ts";

/** Images for signal-to-noise and agreement of the whole model, and how many at most where they are asked for. */
const VERIFIED_IMAGES = 128;
const THOROUGHLY_VERIFIED_IMAGES = 1_000;
/** Images for the layers; they go one at a time, as all layers' outputs are held at once. */
const LAYER_IMAGES = 8;

export interface Quality {
  readonly sqnrDb: number | null;
  readonly agreement: number | null;
  readonly images: number;
  readonly heldBack: boolean;
}

/** The part of a source that quality is measured on: what calibration has not seen, where that fills at least one batch. */
function verificationRange(
  source: DataSource,
  session: Session,
  wanted: number,
): { first: number; count: number; heldBack: boolean } {
  const batch = fixedBatch(session) ?? 1;
  const heldBack = source.available - source.count >= batch;
  const first = heldBack ? source.count : 0;
  return { first, count: Math.min(Math.max(wanted, batch), source.available - first), heldBack };
}

/** Runs float and int8 side by side on the same images. */
export async function measureQuality(
  float: Session,
  int8: Session,
  source: DataSource,
  options: {
    readonly thorough: boolean;
    readonly signal?: AbortSignal;
    readonly onImages?: (done: number, total: number) => void;
  },
): Promise<Quality> {
  const wanted = options.thorough ? THOROUGHLY_VERIFIED_IMAGES : VERIFIED_IMAGES;
  const { first, count, heldBack } = verificationRange(source, float, wanted);
  const noise = new NoiseMeter();
  const classes = new AgreementMeter();
  let images = 0;
  for await (const batch of fittingBatches(float, source, first, count, options.signal)) {
    const expected = await float.run(batch.feeds, undefined, options.signal);
    const found = await int8.run(batch.feeds, undefined, options.signal);
    for (const [name, value] of Object.entries(expected)) noise.add(value, found[name]);
    const main = float.outputs[0]?.name ?? "";
    classes.add(expected[main], found[main]);
    images += batch.count;
    options.onImages?.(images, count);
  }
  return { sqnrDb: noise.decibels(), agreement: classes.share(), images, heldBack };
}

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

/** Sums the power of a signal and of its deviation. */
class NoiseMeter {
  #signal = 0;
  #noise = 0;

  add(expected: TensorValue | undefined, found: TensorValue | undefined): void {
    if (!(expected?.data instanceof Float32Array) || !(found?.data instanceof Float32Array)) return;
    for (let index = 0; index < expected.data.length; index++) {
      const value = expected.data[index] as number;
      this.#signal += value * value;
      this.#noise += (value - (found.data[index] as number)) ** 2;
    }
  }

  /** 10 log10 of signal over noise; null where either is zero, so that no ratio exists. */
  decibels(): number | null {
    return this.#signal > 0 && this.#noise > 0 ? 10 * Math.log10(this.#signal / this.#noise) : null;
  }
}

/** Counts rows of a [batch, classes] output whose largest entry is at the same place. */
class AgreementMeter {
  #rows = 0;
  #same = 0;

  add(expected: TensorValue | undefined, found: TensorValue | undefined): void {
    const classes = expected?.dims[1];
    if (expected?.dims.length !== 2 || classes === undefined || classes < 2) return;
    if (!(expected.data instanceof Float32Array) || !(found?.data instanceof Float32Array)) return;
    for (let start = 0; start < expected.data.length; start += classes) {
      this.#rows++;
      if (largestIndex(expected.data, start, classes) === largestIndex(found.data, start, classes)) this.#same++;
    }
  }

  share(): number | null {
    return this.#rows === 0 ? null : this.#same / this.#rows;
  }
}

function largestIndex(values: Float32Array, start: number, length: number): number {
  let best = 0;
  for (let index = 1; index < length; index++) {
    if ((values[start + index] as number) > (values[start + best] as number)) best = index;
  }
  return best;
}
