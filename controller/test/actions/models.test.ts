import { copyFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { readModel, writeModel } from "@edgewatt/onnx";
import { findModel, readRegistry } from "@edgewatt/registry";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { runHere } from "../run-app.ts";

describe("models add", () => {
  const zooFile = async (data: string) => findModel(await readRegistry(data), "p40").path;

  it("keeps a checked copy with its parameters counted", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "mine.onnx");
    await copyFile(await zooFile(dir.path), file);
    const args = ["models", "add", file, "--mean", "0.5,0.5,0.5", "--pruning", "0.4", "--json"];
    const { exitCode, stdout, stderr } = await runHere(args, { cwd: dir.path });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "mine", params: 1_174_647, pruning: 0.4, origin: "added" });
    const added = findModel(await readRegistry(path.join(dir.path, ".edgewatt")), "mine");
    expect(added.input.mean).toEqual([0.5, 0.5, 0.5]);
    expect((await stat(added.path)).size).toBe(added.bytes);
  });

  it("takes weights that lie beside the file into the copy", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "split.onnx");
    await writeModel(await readModel(await zooFile(dir.path)), file, { externalData: true });
    const { stderr, stdout } = await runHere(["models", "add", file, "--json"], { cwd: dir.path });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).bytes).toBeGreaterThan((await stat(file)).size);
  });

  it.each([
    ["no ONNX file", () => Buffer.from("this is no model")],
    ["a truncated one", (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    ["an empty one", () => Buffer.alloc(0)],
  ])("refuses %s in one line and keeps nothing", async (_what, content) => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "bad.onnx");
    await writeFile(file, content(await readFile(await zooFile(dir.path))));
    const { exitCode, stdout, stderr } = await runHere(["models", "add", file, "--json"], { cwd: dir.path });
    expect(stderr).toMatch(/^edgewatt: .*bad\.onnx.*\n$/);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(await readdir(dir.path)).toEqual(["bad.onnx"]);
  });

  it("refuses the name of a zoo model", async () => {
    await using dir = await tempDir();
    const { exitCode, stderr } = await runHere(["models", "add", await zooFile(dir.path)], { cwd: dir.path });
    expect(stderr).toMatch(/is a model of the zoo: give yours another --name/);
    expect(exitCode).toBe(2);
  });
});
