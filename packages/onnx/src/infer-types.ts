import { declareInput } from "./declare-input.ts";
import { ModelError } from "./errors.ts";
import { deriveModel, makeOutput, type Graph } from "./graph.ts";
import { checkFitsMemory } from "./memory-limit.ts";
import type { GraphProto, TensorProto, ValueInfoProto } from "./proto.ts";
import { openSession, type Session, type ValueDescription } from "./session.ts";
import { storedBytes } from "./tensor.ts";

/** Larger tensors are weights; smaller ones may be shapes, whose values type and shape inference needs. */
const LARGEST_READ_BYTES = 1024;

/**
 * Element type and shape of tensors that are computed at run time, by ONNX Runtime's own inference. Tensors that are not among the
 * inputs of the model or the outputs of its nodes are left out.
 * @param name what error messages call the model
 * @throws ModelError when ONNX Runtime cannot load the model
 */
export async function inferTypes(
  graph: Graph,
  tensors: readonly string[],
  name: string,
): Promise<ReadonlyMap<string, ValueDescription>> {
  const inputs = new Set(graph.inputNames);
  const computed = tensors.filter((tensor) => graph.producer(tensor) !== undefined);
  await using session = await openForTypes(graph, computed, name);
  const known = [...session.inputs.filter((value) => inputs.has(value.name)), ...session.outputs];
  checkFitsMemory(known, name);
  const wanted = new Set(tensors);
  return new Map(known.filter((value) => wanted.has(value.name)).map((value) => [value.name, value]));
}

/** Weights become inputs of their type and shape, as inference needs no values and a session would copy them. */
async function openForTypes(graph: Graph, tensors: readonly string[], name: string): Promise<Session> {
  const { input, initializer } = graph.model.graph as GraphProto;
  const output = tensors.map(makeOutput);
  const weights = initializer.filter((tensor) => storedBytes(tensor) > LARGEST_READ_BYTES);
  const dropped = new Set(weights);
  const declared = new Set(input.map((value) => value.name));
  const light = deriveModel(graph.model, {
    node: [...graph.nodes],
    output,
    initializer: initializer.filter((tensor) => !dropped.has(tensor)),
    input: [...input, ...weights.filter((tensor) => !declared.has(tensor.name)).map(declareWeight)],
  });
  try {
    return await openSession(light, { optimization: "disabled", name });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    // An operator may insist on a constant; and where the model itself is at fault, this attempt says so.
    return await openSession(deriveModel(graph.model, { node: [...graph.nodes], output }), {
      optimization: "disabled",
      name,
    });
  }
}

function declareWeight({ name, dataType, dims }: TensorProto): ValueInfoProto {
  return declareInput(name, dataType, dims.map(Number));
}
