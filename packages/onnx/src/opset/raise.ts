import { DataType } from "../data-type.ts";
import { findAttribute, intAttribute } from "../attributes.ts";
import { shallowCopy, type Graph } from "../graph.ts";
import type { AttributeProto, GraphProto, NodeProto } from "../proto.ts";
import { inferRanks } from "../ranks.ts";
import { makeTensor } from "../tensor.ts";
import type { TensorProto } from "../proto.ts";
import type { OpsetContext } from "./converter.ts";
import { COMPATIBLE, CONVERTERS } from "./operators.ts";

/** The operator set that graphs are raised to: the first with scales per channel (`axis` of QuantizeLinear and DequantizeLinear). */
export const RAISED_OPSET = 13;

/** ONNX Runtime has no operators older than these. */
const OLDEST_OPSET = 7;

/** The first file format that may hold operator set 13 (ONNX versioning), and the first whose inputs override initializers. */
const RAISED_IR_VERSION = 7n;
const OVERRIDING_IR_VERSION = 4n;

export interface OpsetRaise {
  readonly from: number;
  /** The operator set that the graph has now. */
  readonly to: number;
  /** Nodes that were rewritten. */
  readonly changed: number;
  /** Why the graph was left as it was; undefined where it was raised or new enough. */
  readonly refused: string | undefined;
}

/**
 * Raises a graph of operator set 7 to 12 to 13, in place, with the same meaning: the float outputs stay the same. A graph with an operator
 * that is not known to be convertible is left as it was, and the result says why.
 */
export function raiseOpset(graph: Graph): OpsetRaise {
  const from = graph.opset;
  const keep = (refused: string | undefined): OpsetRaise => ({ from, to: from, changed: 0, refused });
  if (from >= RAISED_OPSET) return keep(undefined);
  if (from < OLDEST_OPSET) return keep(`opset ${from} is older than what ONNX Runtime runs (${OLDEST_OPSET})`);
  if (graph.model.functions.length > 0) return keep("the model defines functions with operator sets of their own");
  const raise = new Raise(graph, from);
  const nodes = raise.convert(graph.nodes);
  if (typeof nodes === "string") return keep(nodes);
  graph.setNodes(nodes);
  for (const tensor of raise.constants) graph.addInitializer(tensor);
  setVersions(graph);
  return { from, to: RAISED_OPSET, changed: raise.changed, refused: undefined };
}

function setVersions(graph: Graph): void {
  const { model } = graph;
  if (model.irVersion < OVERRIDING_IR_VERSION) graph.hideInitializers();
  if (model.irVersion < RAISED_IR_VERSION) model.irVersion = RAISED_IR_VERSION;
  for (const entry of model.opsetImport) {
    if (entry.domain === "" || entry.domain === "ai.onnx") entry.version = BigInt(RAISED_OPSET);
  }
}

/** One attempt; the graph itself changes only after all nodes could be converted. */
class Raise implements OpsetContext {
  readonly from: number;
  readonly onlyFloat32: boolean;
  readonly constants: TensorProto[] = [];
  changed = 0;
  readonly #graph: Graph;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #added = new Map<string, TensorProto>();

  constructor(graph: Graph, from: number) {
    this.#graph = graph;
    this.from = from;
    this.onlyFloat32 = !hasOtherFloats(graph);
    this.#ranks = inferRanks(graph);
  }

  rankOf(tensor: string): number | undefined {
    return this.#ranks.get(tensor);
  }

  constant(name: string): TensorProto | undefined {
    return this.#added.get(name) ?? this.#graph.constant(name);
  }

  uniqueName(base: string): string {
    return this.#graph.uniqueName(base);
  }

  integers(base: string, values: readonly bigint[]): string {
    return this.#add(makeTensor(this.uniqueName(base), [values.length], BigInt64Array.from(values)));
  }

  float(base: string, value: number): string {
    return this.#add(makeTensor(this.uniqueName(base), [], Float32Array.of(value)));
  }

  floats(base: string, values: readonly number[]): string {
    return this.#add(makeTensor(this.uniqueName(base), [values.length], Float32Array.from(values)));
  }

  convert(nodes: readonly NodeProto[]): NodeProto[] | string {
    const converted: NodeProto[] = [];
    for (const node of nodes) {
      const inner = this.#convertInner(node);
      if (typeof inner === "string") return inner;
      const result = this.#convertNode(inner);
      if (typeof result === "string") return `node "${node.name}" (${node.opType}): ${result}`;
      if (result.length !== 1 || result[0] !== node) this.changed++;
      converted.push(...result);
    }
    return converted;
  }

  #convertNode(node: NodeProto): readonly NodeProto[] | string {
    if (node.domain !== "" && node.domain !== "ai.onnx") return [node];
    const converter = CONVERTERS.get(node.opType);
    if (converter !== undefined) return converter(node, this);
    return COMPATIBLE.has(node.opType)
      ? [node]
      : `it is not known whether its meaning changed between opset ${this.from} and ${RAISED_OPSET}`;
  }

  /** The graphs inside a node (If, Loop, Scan) are of the same operator set; what they need is put into the outer graph, which they see. */
  #convertInner(node: NodeProto): NodeProto | string {
    if (!node.attribute.some((attribute) => attribute.g !== undefined || attribute.graphs.length > 0)) return node;
    const attributes: AttributeProto[] = [];
    for (const attribute of node.attribute) {
      const [single, ...list] = [...(attribute.g === undefined ? [] : [attribute.g]), ...attribute.graphs].map((g) =>
        this.#convertGraph(g),
      );
      const refused = [single, ...list].find((result) => typeof result === "string");
      if (refused !== undefined) return refused;
      const graphs = [single, ...list].filter((g): g is GraphProto => g !== undefined && typeof g !== "string");
      attributes.push(
        graphs.length === 0
          ? attribute
          : shallowCopy<AttributeProto>(
              attribute,
              attribute.g === undefined ? { graphs } : { g: graphs[0] as GraphProto, graphs: graphs.slice(1) },
            ),
      );
    }
    return shallowCopy<NodeProto>(node, { attribute: attributes });
  }

  #convertGraph(graph: GraphProto): GraphProto | string {
    const node = this.convert(graph.node);
    return typeof node === "string" ? node : shallowCopy<GraphProto>(graph, { node });
  }

  #add(tensor: TensorProto): string {
    this.constants.push(tensor);
    this.#added.set(tensor.name, tensor);
    return tensor.name;
  }
}

/** Whether any tensor may be float16, bfloat16 or float64. */
function hasOtherFloats(graph: Graph): boolean {
  const other = new Set<number>([DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE]);
  const declared = graph.declaredValues.some(
    ({ type }) => type?.value.case === "tensorType" && other.has(type.value.value.elemType),
  );
  return declared || graph.initializers.some((tensor) => other.has(tensor.dataType)) || nodesHave(graph.nodes, other);
}

function nodesHave(nodes: readonly NodeProto[], types: ReadonlySet<number>): boolean {
  return nodes.some(
    (node) =>
      types.has(intAttribute(node, "to", 0)) ||
      types.has(intAttribute(node, "dtype", 0)) ||
      types.has(findAttribute(node, "value")?.t?.dataType ?? 0) ||
      node.attribute.some(({ g, graphs }) =>
        [...(g === undefined ? [] : [g]), ...graphs].some(
          (inner) => inner.initializer.some((tensor) => types.has(tensor.dataType)) || nodesHave(inner.node, types),
        ),
      ),
  );
}
