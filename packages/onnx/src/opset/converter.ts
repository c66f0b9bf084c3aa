import { findAttribute, makeAttribute, type AttributeValue } from "../attributes.ts";
import { shallowCopy } from "../graph.ts";
import type { NodeProto, TensorProto } from "../proto.ts";

/** What a converter may ask, and the constants that it needs. */
export interface OpsetContext {
  /** The operator set of the model as it is. */
  readonly from: number;
  /** Whether all floating-point tensors of the model are float32, so that a constant beside one of them is too. */
  readonly onlyFloat32: boolean;
  /** How many sides a tensor has; undefined where that is not known. */
  rankOf(tensor: string): number | undefined;
  constant(name: string): TensorProto | undefined;
  /** A name that nothing has yet. */
  uniqueName(base: string): string;
  /** Adds a constant of int64, a vector, and gives its name. */
  integers(base: string, values: readonly bigint[]): string;
  /** Adds a scalar of float32 and gives its name. */
  float(base: string, value: number): string;
  /** Adds a vector of float32 and gives its name. */
  floats(base: string, values: readonly number[]): string;
}

/**
 * Writes a node for operator set 13 with the same meaning, without changing the node itself.
 * @returns the nodes in its place, or why there are none
 */
export type Converter = (node: NodeProto, context: OpsetContext) => readonly NodeProto[] | string;

/** A copy of a node with other inputs, and without or with some attributes. */
export function rewrite(
  node: NodeProto,
  changes: {
    readonly opType?: string;
    readonly input?: readonly string[];
    readonly output?: readonly string[];
    readonly without?: readonly string[];
    readonly attributes?: Readonly<Record<string, AttributeValue>>;
  },
): NodeProto {
  const attributes = changes.attributes ?? {};
  const gone = new Set([...(changes.without ?? []), ...Object.keys(attributes)]);
  return shallowCopy<NodeProto>(node, {
    opType: changes.opType ?? node.opType,
    input: [...(changes.input ?? node.input)],
    output: [...(changes.output ?? node.output)],
    attribute: [
      ...node.attribute.filter((attribute) => !gone.has(attribute.name)),
      ...Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
    ],
  });
}

/** The list of integers in an attribute, or undefined. */
export function intsAttribute(node: NodeProto, name: string): readonly bigint[] | undefined {
  return findAttribute(node, name)?.ints;
}

/** What constants of a node are named after. */
export function baseName(node: NodeProto): string {
  return node.name === "" ? (node.output[0] ?? node.opType) : node.name;
}
