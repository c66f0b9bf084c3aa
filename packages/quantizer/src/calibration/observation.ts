import { inferTypes, type Graph, type NodeProto } from "@edgewatt/onnx";
import { clipBounds } from "../rules/absorbed.ts";
import { candidateTensors } from "../rules/operators.ts";

/** A tensor that has to be looked at while a model runs. */
export interface ObservedTensor {
  readonly name: string;
  /** What writes it clips at zero or above. */
  readonly nonNegative: boolean;
  /** It has four sides, as [batch, channels, height, width] has. */
  readonly fourSides: boolean;
}

/** The tensors to look at, and those whose ranges follow from theirs. */
export interface Observation {
  readonly tensors: readonly ObservedTensor[];
  /** For each float tensor that a quantized operator may read or write, the name of the one among `tensors` that has its range. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Operators whose output has the very values of their first input. */
const MOVES = new Set(["Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]);

/**
 * Chooses what to observe. A tensor that only a Relu or Clip reads gets the range of what that writes (as onnxruntime's
 * `adjust_tensor_ranges` does): values outside are clipped anyway, whether quantizing does it or the node that stays.
 */
export async function chooseObserved(graph: Graph, modelName: string): Promise<Observation> {
  const candidates = candidateTensors(graph);
  const types = await inferTypes(graph, candidates, modelName);
  const floats = candidates.filter((name) => types.get(name)?.type === "float32");
  const known = new Set(floats);
  const sources = new Map(floats.map((name) => [name, sourceOf(graph, name, known)]));
  const tensors = [...new Set(sources.values())].map((name) => ({
    name,
    nonNegative: isNonNegative(graph, name),
    fourSides: types.get(name)?.shape.length === 4,
  }));
  return { tensors, sources };
}

function isNonNegative(graph: Graph, tensor: string): boolean {
  const producer = graph.producer(tensor);
  return producer !== undefined && (clipBounds(graph, producer)?.low ?? -1) >= 0;
}

function sourceOf(graph: Graph, tensor: string, known: ReadonlySet<string>): string {
  let current = tensor;
  for (;;) {
    const next = clipped(graph, current) ?? moved(graph, current);
    if (next === undefined || !known.has(next)) return current;
    current = next;
  }
}

/** The output of the Relu or Clip that alone reads the tensor. */
function clipped(graph: Graph, tensor: string): string | undefined {
  const reader = graph.soleConsumer(tensor);
  if (reader === undefined || reader.input[0] !== tensor || clipBounds(graph, reader) === undefined) return undefined;
  return reader.output[0];
}

function moved(graph: Graph, tensor: string): string | undefined {
  const producer: NodeProto | undefined = graph.producer(tensor);
  return producer?.domain === "" && MOVES.has(producer.opType) ? producer.input[0] : undefined;
}
