import { create } from "@bufbuild/protobuf";
import { TensorShapeProto_DimensionSchema as DimensionSchema } from "onnx-buf";
import { fixedShape } from "./data/image-input.ts";
import type { ModelProto } from "./proto.ts";
import type { ValueDescription } from "./session.ts";

/**
 * Writes fixed sides into the first input of a model, in place, where it leaves them open; the first side stays open, so that several samples
 * still fit in one run.
 *
 * @param input as `describeModel` tells of it
 * @param sides of the whole input, batch included
 * @throws DataError where they contradict the model
 */
export function fixInputSides(model: ModelProto, input: ValueDescription, sides: readonly number[]): void {
  const shape = fixedShape(input, sides);
  const declared = model.graph?.input.find(({ name }) => name === input.name)?.type?.value;
  if (declared?.case !== "tensorType") return;
  for (const [axis, dim] of (declared.value.shape?.dim ?? []).entries()) {
    const side = shape[axis];
    if (axis === 0 || dim.value.case === "dimValue" || typeof side !== "number") continue;
    dim.value = create(DimensionSchema, { value: { case: "dimValue", value: BigInt(side) } }).value;
  }
}
