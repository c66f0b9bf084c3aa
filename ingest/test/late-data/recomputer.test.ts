import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { DatabaseClient } from "@edgewatt/database";
import { createLogger, ManualClock } from "@edgewatt/runtime";
import { eventually, tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { LateLedger } from "../../src/late-data/ledger.ts";
import { Recomputer } from "../../src/late-data/recomputer.ts";

const log = createLogger({ name: "test", level: "silent" });

it("stops at once while the database does not answer, and is due again after the next start", async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, "late.json");
  await (await LateLedger.open(file, log)).note([7200]);
  let asked = 0;
  const server = createServer(() => void (asked += 1)).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const clock = new ManualClock();
    const ledger = await LateLedger.open(file, log);
    const connect = (signal: AbortSignal) => new DatabaseClient({ url, signal });
    const recomputer = new Recomputer({ connect, ledger, log, clock });
    await clock.advance(30_000);
    await eventually(() => expect(asked).toBe(1));
    await recomputer.stop();
    expect((await LateLedger.open(file, log)).hours()).toEqual([7200]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
