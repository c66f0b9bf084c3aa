import { expect, it } from "vitest";
import { countParameters } from "../src/params.ts";
import { makeTensor } from "../src/tensor.ts";
import { ModelBuilder } from "./build-model.ts";

it("counts weights that an exporter wrote as Constant nodes, and no bounds of a Clip", () => {
  const b = new ModelBuilder();
  const x = b.input("x", [1, 2, 4, 4]);
  const weight = b.node("Constant", [], { value: makeTensor("", [3, 2, 1, 1], new Float32Array(6)) });
  const bias = b.weight([3], 0, 1);
  b.output(b.relu6(b.batchNorm(b.node("Conv", [x, weight, bias]), 3)), [1, 3, 4, 4]);
  const model = b.build();
  const nodes = model.graph?.node.length;
  expect(countParameters(model)).toBe(6 + 3 + 2 * 3);
  expect(model.graph?.node.length).toBe(nodes);
});
