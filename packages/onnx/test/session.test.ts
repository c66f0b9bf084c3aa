import { describe, expect, it } from "vitest";
import { CanceledError, ModelError } from "../src/errors.ts";
import { openSession } from "../src/session.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";

const image = { type: "float32" as const, dims: [1, 3, 16, 16], data: new Float32Array(3 * 16 * 16).fill(0.5) };

describe("openSession", () => {
  it("reports a model that ONNX Runtime refuses in one line, by the name it was given", async () => {
    const b = new ModelBuilder();
    b.output(b.node("NoSuchOperator", [b.input("x", [1])]), [1]);
    const error = await openSession(b.build(), { name: "odd.onnx" }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: "model-not-loadable", retryable: false });
    expect((error as ModelError).message).toMatch(/^ONNX Runtime cannot load odd\.onnx: .*NoSuchOperator.*$/);
  });

  it("runs, with the outputs that are asked for", async () => {
    await using session = await openSession(buildSmallMobileNet(), { threads: 1 });
    const outputs = await session.run({ image });
    expect(Object.values(outputs)[0]?.dims).toEqual([1, 10]);
  });

  it("reports data that does not fit", async () => {
    await using session = await openSession(buildSmallMobileNet());
    const wrong = { ...image, dims: [1, 3, 8, 32] };
    await expect(session.run({ image: wrong })).rejects.toThrow(/ONNX Runtime failed to run the model/);
  });

  it("stops on an aborted signal", async () => {
    await using session = await openSession(buildSmallMobileNet());
    await expect(session.run({ image }, undefined, AbortSignal.abort())).rejects.toThrow(CanceledError);
  });
});
