import { expect, test } from "vitest";
import { quantize, QuantizerError } from "@edgewatt/quantizer";
import { exitCodeFor } from "../src/errors.ts";

test("flags that exclude each other end the command as wrong usage", async () => {
  const error: unknown = await quantize({
    input: "in.onnx",
    output: "out.onnx",
    parity: "ort",
    techniques: ["equalization"],
  }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(QuantizerError);
  expect(error).toMatchObject({ code: "options-conflict" });
  expect(exitCodeFor(error)).toBe(2);
});
