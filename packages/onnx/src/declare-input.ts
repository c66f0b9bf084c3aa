import { create } from "@bufbuild/protobuf";
import {
  TensorShapeProto_DimensionSchema as DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
} from "onnx-buf";
import { ValueInfoProtoSchema, type ValueInfoProto } from "./proto.ts";

/** Declares a graph input of that element type and shape; undefined sides are open. */
export function declareInput(
  name: string,
  elementType: number,
  sides: readonly (number | undefined)[],
): ValueInfoProto {
  const dim = sides.map((side) =>
    create(DimensionSchema, side === undefined ? {} : { value: { case: "dimValue", value: BigInt(side) } }),
  );
  const value = create(TypeProto_TensorSchema, {
    elemType: elementType,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value } }),
  });
}
