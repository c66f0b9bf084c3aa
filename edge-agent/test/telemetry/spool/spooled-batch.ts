import { encodeMessage } from "@edgewatt/protocol";
import type { SpooledBatch } from "../../../src/telemetry/spool/spool.ts";

/** A batch of telemetry of so many rows. */
export function spooledBatch(seq: number, over: Partial<Omit<SpooledBatch, "payload" | "seq">> = {}): SpooledBatch {
  const { boot = 1, stream = "power", points = 5 } = over;
  const dt = Array.from({ length: points }, (_, i) => i * 100_000);
  const ch = {
    main: { t0: 1_700_000_000_000_000 + seq * 500_000, dt, w: dt.map((_, i) => i / 8), source: "estimate" },
  };
  return { boot, stream, seq, points, payload: encodeMessage("telemetry", { v: 1, boot, seq, sync: true, ch }) };
}
