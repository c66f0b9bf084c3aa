import { DataError, DataType, fittingBatches, openSession, type DataSource, type TensorValue } from "@edgewatt/onnx";
import type { ChannelFlow, DenseLayer } from "../channels/flow.ts";
import type { WeightView } from "../channels/weight-view.ts";
import { ExtraNodes } from "./extra-nodes.ts";
import { channelRows, samplePositions, stepOf } from "./sampled-rows.ts";

/** Images in one run; more are hardly faster and take memory. */
export const LARGEST_BATCH = 32;
/** Values of all second moments that are gathered in one pass over the images: 32 MB in float64. */
const VALUES_IN_PASS = 2 ** 22;

/** A layer whose inputs are measured. */
export interface Reader {
  readonly layer: DenseLayer;
  readonly view: WeightView;
}

/** How the channels that a layer reads vary together. */
export interface Moments {
  /** Σ (x - x̄)(x - x̄)ᵀ, [blocks][blocks]; in float32, as those of all layers are kept at once. */
  readonly covariance: Float32Array;
  /** Images and positions that it was taken over. */
  readonly columns: number;
}

export type ChannelMoments = ReadonlyMap<Reader, Moments>;

/**
 * Measures the inputs of some layers on the original model, a few layers in each pass over the images, so that memory does not depend on the
 * number of images.
 */
export async function measureChannelMoments(
  flow: ChannelFlow,
  readers: readonly Reader[],
  source: DataSource,
  options: { readonly signal?: AbortSignal; readonly onImages?: (done: number, total: number) => void },
): Promise<ChannelMoments> {
  const found = new Map<Reader, Moments>();
  const passes = inPasses(readers);
  for (const [index, pass] of passes.entries()) {
    const onImages = (images: number): void =>
      options.onImages?.(index * source.count + images, passes.length * source.count);
    for (const [reader, moments] of await measurePass(flow, pass, source, { ...options, onImages }))
      found.set(reader, moments);
  }
  return found;
}

function inPasses(readers: readonly Reader[]): Reader[][] {
  const passes: Reader[][] = [];
  let values = Infinity;
  for (const reader of readers) {
    const own = reader.view.blocks ** 2;
    if (values + own > VALUES_IN_PASS) {
      passes.push([]);
      values = 0;
    }
    passes.at(-1)?.push(reader);
    values += own;
  }
  return passes;
}

async function measurePass(
  flow: ChannelFlow,
  readers: readonly Reader[],
  source: DataSource,
  { signal, onImages }: { readonly signal?: AbortSignal; readonly onImages: (images: number) => void },
): Promise<ChannelMoments> {
  const nodes = new ExtraNodes(flow.graph);
  const sums = readers.map(({ layer, view }) => {
    const tensor = layer.node.input[0] ?? "";
    const rows = rowsOf(flow, nodes, tensor, view, source.count);
    // Centered before they are multiplied: in float32 the products of values that hardly vary would say nothing of how they do.
    const count = nodes.add("Shape", [rows]);
    const columns = nodes.add("Cast", [nodes.add("Gather", [count, nodes.integers(1)])], {
      to: BigInt(DataType.FLOAT),
    });
    const mean = nodes.add("Div", [nodes.add("ReduceSum", [rows, nodes.integers(1)], { keepdims: 1n }), columns]);
    const apart = nodes.add("Sub", [rows, mean]);
    const square = nodes.add("Gemm", [apart, apart], { transB: 1n });
    return { tensor, square, mean, count, moments: new RunningMoments(view.blocks) };
  });
  const outputs = sums.flatMap(({ square, mean, count }) => [square, mean, count]);
  const model = nodes.model(
    sums.map(({ tensor }) => tensor),
    outputs,
  );
  await using session = await openSession(model, { memoryPattern: false });
  let images = 0;
  for await (const batch of fittingBatches(session, source, 0, source.count, signal, LARGEST_BATCH)) {
    const results = await session.run(batch.feeds, outputs, signal);
    for (const { square, mean, count, moments } of sums) {
      const [squares, means] = [square, mean].map((name) => results[name]?.data as Float32Array);
      moments.add(squares as Float32Array, means as Float32Array, columnsOf(results[count]));
    }
    images += batch.count;
    onImages(images);
  }
  const found = new Map<Reader, Moments>();
  for (const [index, { tensor, moments }] of sums.entries()) {
    if (!moments.means.every(Number.isFinite)) throw notFinite(tensor, source);
    found.set(readers[index] as Reader, {
      covariance: Float32Array.from(moments.squares),
      columns: moments.columns,
    });
  }
  return found;
}

/** Σ (x - x̄)(x - x̄)ᵀ over batches, each of which is centered by itself (Chan, Golub and LeVeque 1979). */
class RunningMoments {
  readonly squares: Float64Array;
  readonly means: Float64Array;
  columns = 0;

  constructor(size: number) {
    this.squares = new Float64Array(size * size);
    this.means = new Float64Array(size);
  }

  add(squares: Float32Array, means: Float32Array, columns: number): void {
    const total = this.columns + columns;
    const apart = this.means.map((mean, index) => (means[index] as number) - mean);
    const weight = (this.columns * columns) / total;
    addTo(this.squares, squares);
    for (const [row, one] of apart.entries()) {
      const start = row * apart.length;
      const factor = weight * one;
      for (let column = 0; column < apart.length; column++)
        this.squares[start + column] = (this.squares[start + column] as number) + factor * (apart[column] as number);
      this.means[row] = (this.means[row] as number) + (columns / total) * one;
    }
    this.columns = total;
  }
}

function notFinite(tensor: string, source: DataSource): DataError {
  return new DataError(
    `${source.name} gives values of tensor "${tensor}" that are not finite: check --mean and --std, and that the data holds no NaN or infinity`,
    { code: "data-not-finite", context: { source: source.name, tensor } },
  );
}

function rowsOf(flow: ChannelFlow, nodes: ExtraNodes, tensor: string, view: WeightView, images: number): string {
  const shape = flow.shape(tensor) ?? [];
  const axis = flow.channels(tensor)?.axis ?? 1;
  if (shape[axis] !== view.blocks) {
    // Flattened before: the positions of a channel are so many values of it.
    const open = nodes.add("Reshape", [tensor, nodes.integers(-1, view.blocks, view.taps)]);
    return channelRows(nodes, open, [0, view.blocks, view.taps], 1);
  }
  const isImage = axis === 1 && shape.length > 2;
  const sampled = isImage ? samplePositions(nodes, tensor, shape.length, stepOf(shape, images)) : tensor;
  return channelRows(nodes, sampled, shape, axis);
}

/** How many columns a matrix has, from what Shape gives for it. */
export function columnsOf(shape: TensorValue | undefined): number {
  return shape?.data instanceof BigInt64Array ? Number(shape.data[1]) : 0;
}

/** Adds the values of a batch, which ONNX Runtime gives in float32, to sums in float64. */
export function addTo(sums: Float64Array, values: Float32Array): void {
  for (let index = 0; index < sums.length; index++) sums[index] = (sums[index] as number) + (values[index] as number);
}

/** Σ (x - x̄)(y - ȳ)ᵀ, in place, from Σ x yᵀ and the sums of x and y. */
export function center(
  products: Float64Array,
  left: Float64Array,
  right: Float64Array,
  count: number,
  columns: number,
): Float64Array {
  for (const [row, total] of left.entries()) {
    const mean = total / count;
    const start = row * columns;
    for (let column = 0; column < columns; column++)
      products[start + column] = (products[start + column] as number) - mean * (right[column] as number);
  }
  return products;
}
