import { setImmediate as nextTurn } from "node:timers/promises";
import { connectMqtt, createLogger, systemClock } from "@edgewatt/runtime";
import { startBroker } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { Sender } from "../../../src/telemetry/sending/sender.ts";
import { GapLedger } from "../../../src/telemetry/spool/gap-ledger.ts";
import { MemorySpool } from "../../../src/telemetry/spool/memory-spool.ts";
import type { BatchName } from "../../../src/telemetry/spool/spool.ts";
import { spooledBatch } from "../spool/spooled-batch.ts";

const log = createLogger({ name: "test", level: "silent" });
const TOO_MANY = 1000;

/** Ends a sender that asks for its batches without end, which nothing else in the process could. */
class CountingSpool extends MemorySpool {
  asked = 0;

  override read(batch: BatchName): Promise<string | undefined> {
    this.asked += 1;
    if (this.asked > TOO_MANY) throw new RangeError("the sender does not let go");
    return super.read(batch);
  }
}

it("lets a connection close while batches wait to be sent", async () => {
  const broker = await startBroker();
  const mqtt = await connectMqtt({ url: broker.url, clientId: "sender-test", log, waitMs: 45_000 });
  try {
    const spool = new CountingSpool({ capBytes: 1e6, clock: systemClock, gaps: GapLedger.inMemory(systemClock, log) });
    const sender = new Sender({ device: "pi-1", spool, mqtt, clock: systemClock, log, ingestOnline: () => true });
    const closing = mqtt.close();
    for (let seq = 0; seq < 20; seq++) {
      const batch = spooledBatch(seq);
      await spool.append(batch);
      sender.offer(batch);
    }
    sender.resend();
    await closing;
    await nextTurn();
    expect(mqtt.connected).toBe(false);
    expect(spool.asked).toBeLessThan(TOO_MANY);
    expect(spool.batches).toBe(20);
  } finally {
    await mqtt.close();
    await broker.stop();
  }
});
