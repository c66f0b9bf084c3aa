import { totalmem } from "node:os";
import { ModelError } from "./errors.ts";
import type { ValueDescription } from "./session.ts";
import { elementCount } from "./tensor.ts";

/** ONNX Runtime holds at least what a node reads and what it writes at once. */
const TENSORS_AT_ONCE = 2;
const FLOAT_BYTES = 4;

/**
 * Refuses tensors of fixed shape that this machine could never hold, before ONNX Runtime tries to.
 * @throws ModelError
 */
export function checkFitsMemory(values: Iterable<ValueDescription>, name: string): void {
  const limit = totalmem() / TENSORS_AT_ONCE;
  for (const value of values) {
    const bytes = FLOAT_BYTES * elementCount(value.shape.map((side) => (typeof side === "number" ? side : 1)));
    if (value.type === "float32" && bytes > limit) {
      throw new ModelError(
        `${name} computes tensor "${value.name}" of ${Math.round(bytes / 1e6)} MB, which this machine cannot hold: check its shape [${value.shape.join(", ")}]`,
        { code: "tensor-too-large", context: { tensor: value.name, bytes, limit } },
      );
    }
  }
}
