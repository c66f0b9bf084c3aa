import { join } from "node:path";
import { DataType, writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { openUnchecked } from "../../src/int8/fusion.ts";

const folder = await useTempDir();

/** What a quantized tensor reads back as. */
function dequantized(b: ModelBuilder, x: string): string {
  const scale = b.constant([], Float32Array.of(0.02));
  return b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, scale]), scale]);
}

describe("what ONNX Runtime runs", () => {
  it("counts a node as float whose values come dequantized, though its first input is none of them", async () => {
    const b = new ModelBuilder();
    const condition = b.input("condition", [1, 8], DataType.BOOL);
    const [x, y] = [b.input("x", [1, 8]), b.input("y", [1, 8])];
    b.output(b.node("Where", [condition, dequantized(b, x), dequantized(b, y)], {}, "chosen"), [1, 8]);
    const path = join(folder, "where.onnx");
    await writeModel(b.build(), path);
    const { session, fusion } = await openUnchecked(path, [{ name: "node_chosen", opType: "Where" }], "u8s8");
    await session.close();
    expect(fusion).toEqual({ fused: 0, left: ["node_chosen"] });
  });
});
