import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Catalogue } from "@edgewatt/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStack, type Stack } from "./stack.ts";

const ZOO = fileURLToPath(new URL("../../models/", import.meta.url));

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => stack[Symbol.asyncDispose]());

const catalogue = async () => (await (await fetch(`${stack.url}/api/models`)).json()) as Catalogue;
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const storedArtifacts = async () =>
  (await readdir(path.join(stack.dir, "hub", "artifacts"))).filter((name) => name !== "incoming");

async function addModel(name: string, bytes: Uint8Array, sha256: string): Promise<void> {
  const dir = path.join(stack.dir, "models");
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, `${name}.onnx`), bytes);
  const model = {
    name,
    file: `${name}.onnx`,
    params: 10,
    bytes: bytes.byteLength,
    sha256,
    input: { name: "x", shape: [1, 8] },
    output: { name: "y", shape: [1, 2] },
  };
  await writeFile(path.join(dir, "manifest.json"), JSON.stringify({ schema: "edgewatt.models/1", models: [model] }));
}

test("the models of the zoo are listed under the address by which devices reach the hub", async () => {
  const { models, datasets, upload } = await catalogue();
  expect(upload).toBe(`${stack.url}/artifacts`);
  expect(datasets).toEqual({});
  expect(models).toHaveLength(6);
  const [first] = models;
  expect(first).toMatchObject({
    name: "mobilenetv1-cifar10-p00",
    origin: "zoo",
    params: 3_217_226,
    pruning: 0,
    precisions: ["fp32", "int8"],
    dataset: "cifar10",
    artifact: { kind: "model", bytes: 12_978_556, fineTuneEpochs: 0, mean: [0.4914, 0.4822, 0.4465] },
  });
  expect(first?.artifact.url).toBe(`${stack.url}/artifacts/${first?.artifact.sha256}`);
});

test("a model is handed out in place, whole and in part, and takes no room in the store", async () => {
  const { models } = await catalogue();
  const { sha256, bytes } = models.at(-1)?.artifact ?? { sha256: "", bytes: 0 };
  const whole = await fetch(`${stack.url}/artifacts/${sha256}`);
  expect(whole.headers.get("etag")).toBe(`"${sha256}"`);
  const body = new Uint8Array(await whole.arrayBuffer());
  expect(digestOf(body)).toBe(sha256);
  const part = await fetch(`${stack.url}/artifacts/${sha256}`, { headers: { range: `bytes=${bytes - 4}-` } });
  expect(part.status).toBe(206);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(body.subarray(bytes - 4));
  const put = await fetch(`${stack.url}/artifacts/${sha256}`, { method: "PUT", body });
  expect(await put.json()).toEqual({ sha256, created: false });
  expect(await storedArtifacts()).toEqual([]);
});

test("a model that was added while the hub runs is listed; one whose file is another is not, nor handed out", async () => {
  const bytes = new TextEncoder().encode("not really a model, which only a device can tell");
  await addModel("mine", bytes, digestOf(bytes));
  expect((await catalogue()).models.at(-1)).toMatchObject({
    name: "mine",
    origin: "added",
    pruning: null,
    dataset: null,
  });
  expect((await fetch(`${stack.url}/artifacts/${digestOf(bytes)}`)).status).toBe(200);
  await addModel("mine", new TextEncoder().encode("damaged"), digestOf(bytes));
  expect((await catalogue()).models.map(({ name }) => name)).not.toContain("mine");
  expect((await fetch(`${stack.url}/artifacts/${digestOf(bytes)}`)).status).toBe(404);
});

test("a data set that comes while the hub runs is listed and handed out by its digest", async () => {
  const dir = path.join(stack.dir, "datasets", "cifar10");
  await mkdir(dir, { recursive: true });
  await copyFile(path.join(ZOO, "manifest.json"), path.join(dir, "test_batch.bin"));
  const { datasets } = await catalogue();
  expect(datasets["cifar10"]).toMatchObject({
    calibration: null,
    evaluation: { name: "cifar10/test_batch.bin", kind: "cifar" },
  });
  const sha256 = datasets["cifar10"]?.evaluation?.sha256;
  const reply = await fetch(`${stack.url}/artifacts/${sha256}`);
  expect(new Uint8Array(await reply.arrayBuffer())).toEqual(
    new Uint8Array(await readFile(path.join(ZOO, "manifest.json"))),
  );
});

test("a list of models that cannot be read keeps nobody from leaving a result here", async () => {
  await writeFile(path.join(stack.dir, "models", "manifest.json"), "{");
  const body = new TextEncoder().encode("the trace of a run");
  const address = `${stack.url}/artifacts/${digestOf(body)}`;
  expect((await fetch(address, { method: "PUT", body })).status).toBe(201);
  expect(await (await fetch(address)).text()).toBe("the trace of a run");
  const listed = await fetch(`${stack.url}/api/models`);
  expect(listed.status).toBe(500);
  expect(await listed.text()).toMatch(/manifest\.json.*repair or remove it/);
});

test("nothing of it is for foreign pages", async () => {
  const headers = { origin: "http://evil.example" };
  expect((await fetch(`${stack.url}/api/models`, { headers })).status).toBe(403);
});
