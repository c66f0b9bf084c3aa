import { decodeMessage, parseTopic } from "@edgewatt/protocol";
import { createLogger, ManualClock, TransportError } from "@edgewatt/runtime";
import { Sender, type SenderOptions } from "../../../src/telemetry/sending/sender.ts";
import { GapLedger } from "../../../src/telemetry/spool/gap-ledger.ts";
import { MemorySpool } from "../../../src/telemetry/spool/memory-spool.ts";
import type { BatchName } from "../../../src/telemetry/spool/spool.ts";
import { spooledBatch } from "../spool/spooled-batch.ts";

const log = createLogger({ name: "test", level: "silent" });

interface Publish extends BatchName {
  readonly atMs: number;
  readonly settle: (error?: Error) => void;
}

/** A sender over a spool in memory, on a clock and a connection that the test moves. */
export class SenderRig {
  readonly clock = new ManualClock();
  readonly spool = new MemorySpool({ capBytes: 1e9, clock: this.clock, gaps: GapLedger.inMemory(this.clock, log) });
  readonly sender: Sender;
  readonly published: Publish[] = [];
  /** Whether the broker answers by itself. */
  answers = true;
  connected = true;
  online = true;
  #nextSeq = 0;

  constructor() {
    this.sender = new Sender({
      device: "pi-1",
      spool: this.spool,
      mqtt: this.#mqtt(),
      clock: this.clock,
      log,
      ingestOnline: () => this.online,
    });
  }

  get seqs(): number[] {
    return this.published.map(({ seq }) => seq);
  }

  async store(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.spool.append(spooledBatch(this.#nextSeq++));
  }

  async add(): Promise<number> {
    const batch = spooledBatch(this.#nextSeq++);
    await this.spool.append(batch);
    this.sender.offer(batch);
    await this.clock.advance(0);
    return batch.seq;
  }

  ack(first: number, last = first): void {
    this.sender.acknowledge("power", { v: 1, boot: 1, ranges: [[first, last]] });
  }

  #mqtt(): SenderOptions["mqtt"] {
    const isConnected = () => this.connected;
    return {
      get connected() {
        return isConnected();
      },
      publish: (topic, payload) => this.#publish(topic, String(payload)),
    };
  }

  #publish(topic: string, payload: string): Promise<void> {
    if (!this.connected) return Promise.reject(new TransportError("no connection", { code: "not-connected" }));
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "telemetry") throw new RangeError(topic);
    const { boot, seq } = decodeMessage("telemetry", Buffer.from(payload));
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => (error === undefined ? resolve() : reject(error));
      this.published.push({ boot, seq, stream: parsed.stream, atMs: this.clock.monotonicUs() / 1000, settle });
      if (this.answers) settle();
    });
  }
}
