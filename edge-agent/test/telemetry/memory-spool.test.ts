import { describe } from "vitest";
import { MemorySpool } from "../../src/telemetry/memory-spool.ts";
import { spoolContract } from "./spool-contract.ts";

describe("MemorySpool", () => {
  spoolContract(async (capBytes) => new MemorySpool(capBytes));
});
