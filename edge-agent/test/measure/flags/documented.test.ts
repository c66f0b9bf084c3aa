import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SOURCES = ["measure", "operations"].map((room) =>
  fileURLToPath(new URL(`../../../src/${room}`, import.meta.url)),
);
const PAGE = fileURLToPath(new URL("../../../../docs/measuring.md", import.meta.url));

/** Codes of all flags: texts and templates that begin with a code and a colon, but for those that are looked for. */
async function codesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const texts = await Promise.all(
    names.filter((name) => name.endsWith(".ts")).map((name) => readFile(path.join(folder, name), "utf8")),
  );
  return texts.flatMap((text) =>
    [...text.matchAll(/(?<!startsWith\()["`]([a-z][a-z0-9-]+): /g)].map(([, code]) => code ?? ""),
  );
}

it("every flag is explained in docs/measuring.md", async () => {
  const codes = [...new Set((await Promise.all(SOURCES.map(codesIn))).flat())];
  expect(codes).toContain("foreign-cpu");
  expect(codes.length).toBeGreaterThan(20);
  const page = await readFile(PAGE, "utf8");
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
