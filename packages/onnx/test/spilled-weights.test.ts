import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { deriveModels } from "../src/derived.ts";
import { deriveModel } from "../src/graph.ts";
import type { ModelProto } from "../src/proto.ts";
import { openSession } from "../src/session.ts";
import { spillWeights } from "../src/spilled-weights.ts";
import { readFloats } from "../src/tensor.ts";
import { serializeModel } from "../src/writer.ts";
import { ModelBuilder } from "./build-model.ts";

/** About 2.4 MB of weights. */
function network() {
  const b = new ModelBuilder();
  const x = b.input("x", ["batch", 64, 8, 8]);
  b.output(b.conv(b.relu(b.conv(x, 64, 512)), 512, 64), ["batch", 64, 8, 8]);
  return b.build();
}

/** Comparing millions of values one by one would take seconds. */
function digestsOf(model: ModelProto): string[] {
  return (model.graph?.initializer ?? []).map((tensor) =>
    createHash("sha256").update(readFloats(tensor)).digest("hex"),
  );
}

const feeds = {
  x: {
    type: "float32" as const,
    dims: [1, 64, 8, 8],
    data: Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i)),
  },
};

describe("weights in a file", () => {
  it("are read from there as if they were in memory, by readers, writers and sessions", async () => {
    const model = network();
    const before = serializeModel(model);
    const values = digestsOf(model);
    await using expected = await openSession(network());
    await using spilled = await spillWeights(model, { release: true });
    expect(spilled.folder).toBeDefined();
    expect(digestsOf(model)).toEqual(values);
    expect(Buffer.compare(serializeModel(model), before)).toBe(0);
    await using models = await deriveModels(model);
    await using session = await models.open({});
    expect(await session.run(feeds)).toEqual(await expected.run(feeds));
  });

  it("leave memory, unless something else holds them", async () => {
    const model = network();
    const [first] = model.graph?.initializer ?? [];
    const held = new WeakRef(first?.rawData.buffer as ArrayBuffer);
    const length = first?.rawData.length;
    await using spilled = await spillWeights(model, { release: true });
    expect(spilled.folder).toBeDefined();
    // Those read back are other bytes; whether the old ones are gone can be told a turn later only.
    await new Promise((resolve) => setImmediate(resolve));
    await using again = await spillWeights(network(), { release: true });
    expect(again.folder).toBeDefined();
    expect(held.deref()).toBeUndefined();
    expect(first?.rawData.length).toBe(length);
  });

  it("can be replaced, and are written again for another model", async () => {
    const model = network();
    await using spilled = await spillWeights(model, { release: true });
    const [first] = model.graph?.initializer ?? [];
    if (first === undefined || spilled.folder === undefined) throw new TypeError("nothing was spilled");
    first.rawData = new Uint8Array(first.rawData.length);
    expect(readFloats(first).every((value) => value === 0)).toBe(true);
    await using models = await deriveModels(model);
    await using session = await models.open({});
    await using expected = await openSession(model);
    expect(await session.run(feeds)).toEqual(await expected.run(feeds));
  });

  it("stay in their file when another model that shares some of them is written", async () => {
    const own = await mkdtemp(join(tmpdir(), "edgewatt-test-"));
    vi.stubEnv("TMPDIR", own);
    try {
      const model = network();
      await using spilled = await spillWeights(model, { release: true });
      const [, ...shared] = model.graph?.initializer ?? [];
      const [changed] = network().graph?.initializer ?? [];
      if (changed === undefined) throw new TypeError("the network has no weights");
      {
        await using other = await deriveModels(deriveModel(model, { initializer: [changed, ...shared] }));
        await using session = await other.open({});
        expect(session.outputs).toHaveLength(1);
        expect(await readdir(own)).toHaveLength(2);
      }
      await using again = await deriveModels(model);
      await using session = await again.open({});
      expect(session.outputs).toHaveLength(1);
      // Its weights need no second file.
      expect((await readdir(own)).map((name) => join(own, name))).toEqual([spilled.folder]);
    } finally {
      vi.unstubAllEnvs();
      await rm(own, { recursive: true, force: true });
    }
  });

  it("are gone with the folder in the end", async () => {
    const model = network();
    const spilled = await spillWeights(model, { release: false });
    expect(existsSync(spilled.folder ?? "")).toBe(true);
    await spilled[Symbol.asyncDispose]();
    expect(existsSync(spilled.folder ?? "")).toBe(false);
    await using models = await deriveModels(model);
    await using session = await models.open({});
    expect(session.outputs).toHaveLength(1);
  });
});
