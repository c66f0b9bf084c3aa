import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { INSTANCE_ID } from "@edgewatt/protocol";
import { tempDir } from "@edgewatt/testing";
import { instanceId } from "../src/identity.ts";

it("is made once for a data folder, and another for another", async () => {
  await using dir = await tempDir();
  await using other = await tempDir();
  const id = await instanceId(dir.path);
  expect(id).toMatch(INSTANCE_ID);
  expect(await instanceId(dir.path)).toBe(id);
  expect(await instanceId(other.path)).not.toBe(id);
});

it("is made anew where what is kept is no name", async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, "ingest-id");
  await writeFile(file, "");
  const id = await instanceId(dir.path);
  expect(await readFile(file, "utf8")).toBe(`${id}\n`);
  expect(await instanceId(dir.path)).toBe(id);
});
