import { createLogger, systemClock } from "@edgewatt/runtime";
import { describe } from "vitest";
import { GapLedger } from "../../../src/telemetry/spool/gap-ledger.ts";
import { MemorySpool } from "../../../src/telemetry/spool/memory-spool.ts";
import { spoolContract } from "./spool-contract.ts";

const log = createLogger({ name: "test", level: "silent" });

describe("MemorySpool", () => {
  spoolContract(
    async (capBytes) => new MemorySpool({ capBytes, clock: systemClock, gaps: GapLedger.inMemory(systemClock, log) }),
  );
});
