import { decodeMessage, type Stream, type TelemetryBatch } from "@edgewatt/protocol";
import { createLogger, ManualClock } from "@edgewatt/runtime";
import type { SpooledBatch } from "../../src/telemetry/spool/spool.ts";
import { GapLedger } from "../../src/telemetry/spool/gap-ledger.ts";
import { MemorySpool } from "../../src/telemetry/spool/memory-spool.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { WaitingDrafts } from "../../src/telemetry/waiting/waiting-drafts.ts";
import { WaitingLog } from "../../src/telemetry/waiting/waiting-log.ts";

const log = createLogger({ name: "test", level: "silent" });

export interface Told {
  readonly stream: Stream;
  readonly batch: TelemetryBatch;
}

/** Telemetry over a spool in memory, with a sender that remembers what it is offered. */
export class TelemetryRig {
  readonly clock: ManualClock;
  readonly spool: MemorySpool;
  readonly telemetry: Telemetry;
  readonly waiting: WaitingDrafts;
  readonly offered: SpooledBatch[] = [];
  sync: boolean;

  private constructor(
    clock: ManualClock,
    waitingLog: WaitingLog,
    options: { sync: boolean; capBytes: number; boot: number },
  ) {
    this.clock = clock;
    this.sync = options.sync;
    this.spool = new MemorySpool({ capBytes: options.capBytes, clock, gaps: GapLedger.inMemory(clock, log) });
    this.waiting = new WaitingDrafts({ waitingLog, clock, log });
    this.telemetry = new Telemetry({
      boot: options.boot,
      spool: this.spool,
      sender: { kick: () => {}, offer: (batch) => void this.offered.push(batch) },
      waiting: this.waiting,
      clock,
      log,
      clockSynchronized: () => this.sync,
    });
  }

  /** @param file of what waits for the clock; without one it is kept in memory */
  static async start(
    options: {
      sync?: boolean;
      capBytes?: number;
      boot?: number;
      file?: string;
      kernelBoot?: string;
      clock?: ManualClock;
    } = {},
  ): Promise<TelemetryRig> {
    const { sync = true, capBytes = 1e6, boot = 1, file = "/proc/none/waiting", kernelBoot = "k1" } = options;
    const waitingLog = await WaitingLog.open({ file, kernelBoot, log });
    return new TelemetryRig(options.clock ?? new ManualClock(), waitingLog, { sync, capBytes, boot });
  }

  /** All batches that were handed on, in order. */
  told(): Told[] {
    return this.offered.map(({ stream, payload }) => ({
      stream,
      batch: decodeMessage("telemetry", Buffer.from(payload)),
    }));
  }

  /** The times of all rows of a channel, µs since the epoch. */
  times(key: string): number[] {
    return this.told().flatMap(({ batch }) => {
      const channel = batch.ch[key];
      return channel === undefined ? [] : channel.dt.map((dt) => channel.t0 + dt);
    });
  }
}
