import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, AttributeType, type AttributeProto, type NodeProto, type TensorProto } from "./proto.ts";

/** A value that `makeNode` turns into an attribute: integers are given as bigint, so that 1 and 1.0 stay apart. */
export type AttributeValue = number | bigint | string | TensorProto | readonly number[] | readonly bigint[];

/** The integer attribute of a node, or the fallback that the operator's specification names. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const attribute = findAttribute(node, name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

/** The float attribute of a node, or the fallback that the operator's specification names. */
export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return findAttribute(node, name)?.f ?? fallback;
}

/** The attribute of that name, or undefined. */
export function findAttribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** Sets or replaces an attribute. */
export function setAttribute(node: NodeProto, name: string, value: AttributeValue): void {
  const attribute = makeAttribute(name, value);
  const index = node.attribute.findIndex((other) => other.name === name);
  if (index < 0) node.attribute.push(attribute);
  else node.attribute[index] = attribute;
}

export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "bigint") return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: value });
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if (isBigints(value)) return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: [...value] });
  if (Array.isArray(value))
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.FLOATS,
      floats: [...(value as readonly number[])],
    });
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value as TensorProto });
}

function isBigints(value: AttributeValue): value is readonly bigint[] {
  return Array.isArray(value) && value.every((item) => typeof item === "bigint");
}
