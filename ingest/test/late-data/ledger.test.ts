import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createLogger } from "@edgewatt/runtime";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { LateLedger } from "../../src/late-data/ledger.ts";

const log = createLogger({ name: "test", level: "silent" });

it("has on disk, once that works again, the hours that it could not write", async () => {
  await using dir = await tempDir();
  const blocked = path.join(dir.path, "data");
  await writeFile(blocked, "a file where a folder must be");
  const file = path.join(blocked, "late.json");
  const ledger = await LateLedger.open(file, log);
  await expect(ledger.note([7200, 7300])).rejects.toMatchObject({ code: "write-failed" });
  await rm(blocked);
  await ledger.note([7250]);
  expect((await LateLedger.open(file, log)).hours()).toEqual([7200]);
});

it("keeps what is noted while earlier hours are done", async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, "late.json");
  const ledger = await LateLedger.open(file, log);
  await ledger.note([3600, 7200]);
  ledger.begin();
  await ledger.note([7200]);
  await ledger.done();
  expect((await LateLedger.open(file, log)).hours()).toEqual([7200]);
});
