import { execFileSync } from "node:child_process";
import { mkdir, open, readdir, readFile, rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { CanceledError, ModelError } from "../src/errors.ts";
import { DataLocation, StringStringEntryProtoSchema, type ModelProto, type TensorProto } from "../src/proto.ts";
import { parseModel, readModel } from "../src/reader.ts";
import { openSession } from "../src/session.ts";
import { readFloats } from "../src/tensor.ts";
import { serializeModel, stageModel, writeModel } from "../src/writer.ts";
import { buildSmallMobileNet } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();
let cases = 0;

async function newFolder(): Promise<string> {
  const path = join(folder, `case-${++cases}`);
  await mkdir(path);
  return path;
}

async function codeOf(path: string): Promise<string> {
  const error: unknown = await readModel(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ModelError);
  expect((error as ModelError).message).not.toContain("\n");
  return (error as ModelError).code;
}

function largest(model: ModelProto): TensorProto[] {
  return (model.graph?.initializer ?? []).filter((tensor) => tensor.rawData.length >= 400);
}

/** Writes a model whose large tensors lie at the offsets, in a file that has no more bytes than those. */
async function writeSparse(model: ModelProto, path: string, offsets: readonly number[]): Promise<void> {
  const data = await open(`${path}.data`, "w");
  for (const [index, tensor] of largest(model).entries()) {
    const offset = offsets[index % offsets.length] ?? 0;
    const start = offset + Math.floor(index / offsets.length) * 65_536;
    await data.write(tensor.rawData, 0, tensor.rawData.length, start);
    const entries = { location: "sparse.onnx.data", offset: start, length: tensor.rawData.length };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    );
    tensor.dataLocation = DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array(0);
  }
  await data.close();
  await writeFile(path, serializeModel(model));
}

describe("reading", () => {
  it("takes data from beyond 2 and 4 GiB", async () => {
    const path = join(await newFolder(), "sparse.onnx");
    await writeSparse(buildSmallMobileNet(), path, [2 ** 31 + 4096, 2 ** 32 + 4096, 5 * 2 ** 30]);
    const read = await readModel(path);
    const expected = buildSmallMobileNet();
    expect(largest(read)).toHaveLength(largest(expected).length);
    expect(largest(read).length).toBeGreaterThan(2);
    expect(largest(read).map(readFloats)).toEqual(largest(expected).map(readFloats));
  });

  it("refuses a tensor that is too large to hold, instead of failing within", async () => {
    const path = join(await newFolder(), "sparse.onnx");
    const model = buildSmallMobileNet();
    const [tensor] = largest(model);
    await writeSparse(model, path, [0]);
    // A file system says that such a file is there, but no machine can hold what it does not have.
    await truncate(`${path}.data`, 2 ** 43);
    if (tensor === undefined) expect.unreachable();
    tensor.dims = [2n ** 41n];
    for (const entry of tensor.externalData) if (entry.key === "length") entry.value = String(2 ** 43);
    await writeFile(path, serializeModel(model));
    expect(await codeOf(path)).toBe("external-data");
  });

  it("refuses a link that leads out of the folder, and follows one that stays inside", async () => {
    const outside = await newFolder();
    const inside = await newFolder();
    const path = join(inside, "sparse.onnx");
    await writeSparse(buildSmallMobileNet(), path, [0]);
    const data = await readFile(`${path}.data`);
    await rename(`${path}.data`, join(inside, "moved"));
    await symlink("moved", `${path}.data`);
    expect(largest(await readModel(path)).length).toBeGreaterThan(2);
    await rename(`${path}.data`, join(inside, "old-link"));
    await writeFile(join(outside, "secret"), data);
    await symlink(join(outside, "secret"), `${path}.data`);
    expect(await codeOf(path)).toBe("external-data-path");
  });

  it("takes a model and its data that are links into one other folder, as download caches keep them", async () => {
    const cache = await newFolder();
    const view = await newFolder();
    await writeSparse(buildSmallMobileNet(), join(cache, "sparse.onnx"), [0]);
    await rename(join(cache, "sparse.onnx"), join(cache, "blob-1"));
    await rename(join(cache, "sparse.onnx.data"), join(cache, "blob-2"));
    await symlink(join(cache, "blob-1"), join(view, "sparse.onnx"));
    await symlink(join(cache, "blob-2"), join(view, "sparse.onnx.data"));
    expect(largest(await readModel(join(view, "sparse.onnx"))).length).toBeGreaterThan(2);
  });

  it("does not wait at a pipe, for the data or for the model", async () => {
    const inside = await newFolder();
    const path = join(inside, "sparse.onnx");
    await writeSparse(buildSmallMobileNet(), path, [0]);
    await rename(`${path}.data`, join(inside, "old"));
    execFileSync("mkfifo", [`${path}.data`, join(inside, "pipe.onnx")]);
    expect(await codeOf(path)).toBe("external-data");
    expect(await codeOf(join(inside, "pipe.onnx"))).toBe("model-unreadable");
  });

  it("ends when it is canceled", async () => {
    const path = join(await newFolder(), "sparse.onnx");
    await writeSparse(buildSmallMobileNet(), path, [0]);
    await expect(readModel(path, AbortSignal.abort())).rejects.toThrow(CanceledError);
  });
});

describe("stageModel", () => {
  it("uses external data where one file cannot hold the model, and loads before it is committed", async () => {
    const inside = await newFolder();
    const path = join(inside, "large.onnx");
    await using staged = await stageModel(buildSmallMobileNet(), path, { inlineLimitBytes: 2000 });
    expect(await readdir(inside)).toHaveLength(1);
    await (await openSession(staged.path)).close();
    await staged.commit();
    const moved = (parseModel(await readFile(path), path).graph?.initializer ?? []).filter(
      (tensor) => tensor.dataLocation === DataLocation.EXTERNAL,
    );
    expect(moved.length).toBeGreaterThan(1);
    for (const tensor of moved) {
      const fields = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
      expect(fields.get("location")).toBe("large.onnx.data");
      expect(Number(fields.get("offset")) % 4096).toBe(0);
    }
    expect(largest(await readModel(path)).map(readFloats)).toEqual(largest(buildSmallMobileNet()).map(readFloats));
    await (await openSession(path)).close();
  });

  it("leaves nothing when it is not committed", async () => {
    const inside = await newFolder();
    await (
      await stageModel(buildSmallMobileNet(), join(inside, "out.onnx"), { externalData: true })
    )[Symbol.asyncDispose]();
    expect(await readdir(inside)).toEqual([]);
    await writeModel(buildSmallMobileNet(), join(inside, "out.onnx"), { inlineLimitBytes: 1e9 });
    expect(await readdir(inside)).toEqual(["out.onnx"]);
  });
});

describe("a model that is being written", () => {
  it("keeps its data all the time, so that a write that fails does it no harm", async () => {
    const model = buildSmallMobileNet();
    const before = serializeModel(model);
    const state = { done: false };
    const writing = writeModel(model, join(await newFolder(), "model.onnx"), { externalData: true }).finally(() => {
      state.done = true;
    });
    let looks = 0;
    while (!state.done) {
      expect(Buffer.compare(serializeModel(model), before)).toBe(0);
      looks++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    expect(looks).toBeGreaterThan(1);
  });
});
