import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { deriveModels } from "../src/derived.ts";
import { digestModel } from "../src/digest.ts";
import { ModelError } from "../src/errors.ts";
import { Graph, makeOutput } from "../src/graph.ts";
import { openSession, type Session } from "../src/session.ts";
import { makeTensor } from "../src/tensor.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();
const before = process.env["TMPDIR"];

afterEach(() => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
});

/** 4 MB of weights. */
function buildLarge() {
  const b = new ModelBuilder();
  const hidden = b.gemm(b.input("x", ["batch", 512]), 512, 2048);
  b.output(b.gemm(b.node("Relu", [hidden], {}, "hidden"), 2048, 4), ["batch", 4]);
  return b.build();
}

const x = {
  type: "float32" as const,
  dims: [1, 512],
  data: Float32Array.from({ length: 512 }, (_, i) => i / 512 - 0.3),
};

async function run(session: Session, feeds = { x }) {
  await using open = session;
  return Object.fromEntries(Object.entries(await open.run(feeds)).map(([name, value]) => [name, value.data]));
}

describe("deriveModels", () => {
  it("opens graphs with other outputs and weights, as they come from one message, and leaves the model as it was", async () => {
    const model = buildLarge();
    const digest = digestModel(model);
    const [first] = new Graph(model).nodes;
    const bias = first?.input[2] ?? "";
    const initializer = model.graph?.initializer.map((tensor) =>
      tensor.name === bias ? makeTensor(bias, [2048], new Float32Array(2048).fill(3)) : tensor,
    );
    {
      await using models = await deriveModels(model);
      expect(await run(await models.open({}))).toEqual(await run(await openSession(model)));
      const hidden = await run(await models.open({ output: [makeOutput("hidden")] }));
      expect(hidden["hidden"]).toHaveLength(2048);
      const changed = await run(
        await models.open({ output: [makeOutput("hidden")], ...(initializer && { initializer }) }),
      );
      expect(changed["hidden"]).not.toEqual(hidden["hidden"]);
    }
    expect(digestModel(model)).toBe(digest);
  });

  it("keeps its files in a folder for temporary ones, only while it is needed", async () => {
    const own = join(folder, "own");
    await mkdir(own);
    process.env["TMPDIR"] = own;
    const models = await deriveModels(buildLarge());
    const session = await models.open({});
    const [made = ""] = await readdir(own);
    expect(await readdir(join(own, made))).toEqual(["weights"]);
    await models[Symbol.asyncDispose]();
    expect(await readdir(own)).toEqual([]);
    // The weights stay mapped.
    expect(Object.keys(await run(session))).toHaveLength(1);
  });

  it("needs no files for a small model", async () => {
    const own = join(folder, "none");
    await mkdir(own);
    process.env["TMPDIR"] = own;
    await using models = await deriveModels(buildSmallMobileNet());
    await using session = await models.open({});
    expect(session.outputs).toHaveLength(1);
    expect(await readdir(own)).toEqual([]);
  });

  it("says so when there is no such folder, and names a graph that does not load", async () => {
    const own = join(folder, "gone");
    await mkdir(own);
    process.env["TMPDIR"] = own;
    const models = await deriveModels(buildLarge());
    const error: unknown = await models
      .open({ output: [makeOutput("nothing")] }, { name: "odd.onnx" })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "model-not-loadable" });
    expect((error as Error).message).toContain("odd.onnx");
    await rm(own, { recursive: true });
    await expect(models.open({})).rejects.toMatchObject({ code: "model-unwritable" });
    await expect(deriveModels(buildLarge())).rejects.toThrow(ModelError);
  });
});
