import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Graph } from "../src/graph.ts";
import { ModelError } from "../src/errors.ts";
import { DataLocation } from "../src/proto.ts";
import { modelFileBytes, parseModel, readModel } from "../src/reader.ts";
import { openSession } from "../src/session.ts";
import { readFloats } from "../src/tensor.ts";
import { serializeModel, writeModel } from "../src/writer.ts";
import { buildSmallMobileNet } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();

async function refusal(path: string): Promise<ModelError> {
  const error = await readModel(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ModelError);
  expect((error as ModelError).message).not.toContain("\n");
  return error as ModelError;
}

describe("readModel refuses in one line", () => {
  it("a file that is not there", async () => {
    expect((await refusal(join(folder, "none.onnx"))).code).toBe("model-unreadable");
  });

  it("an empty file, a text, random bytes", async () => {
    const contents = [Buffer.alloc(0), Buffer.from("this is no model at all\n"), Buffer.alloc(5000, 0xab)];
    for (const [index, content] of contents.entries()) {
      const path = join(folder, `bad-${index}.onnx`);
      await writeFile(path, content);
      expect((await refusal(path)).message).toContain(path);
    }
  });

  it("a model that was cut anywhere", () => {
    const bytes = serializeModel(buildSmallMobileNet());
    for (let length = 1; length < bytes.length; length += 97) {
      expect(() => parseModel(bytes.subarray(0, length), "cut.onnx"), `cut to ${length} bytes`).toThrow(ModelError);
    }
  });
});

describe("external data", () => {
  it("goes out to a file beside the model and comes back the same", async () => {
    const model = buildSmallMobileNet();
    const path = join(folder, "external.onnx");
    const written = await writeModel(model, path, { externalData: true });
    expect(written).toBe(await modelFileBytes(path));
    expect((await readdir(folder)).filter((name) => name.startsWith("external"))).toEqual([
      "external.onnx",
      "external.onnx.data",
    ]);
    const kept = parseModel(await readFile(path), path);
    const moved = (kept.graph?.initializer ?? []).filter((tensor) => tensor.dataLocation === DataLocation.EXTERNAL);
    expect(moved.length).toBeGreaterThan(0);
    for (const tensor of moved) {
      expect(Number(tensor.externalData.find((item) => item.key === "offset")?.value) % 4096).toBe(0);
    }
    const read = await readModel(path);
    expect(serializeModel(read)).toEqual(serializeModel(model));
    await using session = await openSession(path);
    expect(session.inputs[0]?.name).toBe("image");
  });

  it.each([
    ["leaves the folder", "../secret.bin", "0", "64", "external-data-path"],
    ["is absolute", "/etc/hostname", "0", "64", "external-data-path"],
    ["does not exist", "missing.bin", "0", "64", "external-data"],
    ["ends early", "short.bin", "16", "1000000", "external-data"],
    ["has a negative offset", "short.bin", "-4", "64", "external-data"],
    ["has another size than the shape", "short.bin", "0", "4", "external-data"],
  ])("is refused when it %s", async (_, location, offset, length, code) => {
    const inner = join(folder, "inner");
    await mkdir(inner, { recursive: true });
    await writeFile(join(inner, "short.bin"), Buffer.alloc(64));
    await writeFile(join(folder, "secret.bin"), Buffer.alloc(64));
    const path = join(inner, "model.onnx");
    await writeModel(buildSmallMobileNet(), path, { externalData: true });
    const model = parseModel(await readFile(path), path);
    const tensor = model.graph?.initializer.find((item) => item.dataLocation === DataLocation.EXTERNAL);
    const values: Record<string, string> = { location, offset, length };
    for (const item of tensor?.externalData ?? []) item.value = values[item.key] ?? item.value;
    await writeFile(path, serializeModel(model));
    expect((await refusal(path)).code).toBe(code);
  });
});

describe("writeModel", () => {
  it("keeps fields of newer ONNX versions", async () => {
    const model = buildSmallMobileNet();
    // Field 1000 of ModelProto, a varint: no version of ONNX has it.
    const bytes = Buffer.concat([serializeModel(model), Buffer.from([0xc0, 0x3e, 0x2a])]);
    const path = join(folder, "newer.onnx");
    await writeModel(parseModel(bytes, "newer"), path);
    expect((await readFile(path)).subarray(-3)).toEqual(Buffer.from([0xc0, 0x3e, 0x2a]));
  });

  it("leaves nothing behind when the folder cannot be written", async () => {
    const path = join(folder, "no-such-folder", "out.onnx");
    await expect(writeModel(buildSmallMobileNet(), path)).rejects.toThrow(/cannot write model .*check the folder/);
    await expect(readdir(join(folder, "no-such-folder"))).rejects.toThrow("ENOENT");
  });
});

describe("tensors", () => {
  it("are read from raw_data and from float_data alike, and checked against their shape", () => {
    const graph = new Graph(buildSmallMobileNet());
    const name = graph.nodes[0]?.input[1] ?? "";
    const tensor = graph.initializer(name);
    if (tensor === undefined) throw new Error("the model has no weight");
    const values = readFloats(tensor);
    const listed = Object.assign(Object.create(Object.getPrototypeOf(tensor) as object), tensor) as typeof tensor;
    listed.floatData = [...values];
    listed.rawData = new Uint8Array(0);
    expect(readFloats(listed)).toEqual(values);
    listed.floatData = listed.floatData.slice(1);
    expect(() => readFloats(listed)).toThrow(/holds 431 values but its shape \[16, 3, 3, 3\] needs 432/);
  });
});
