import { describe, expect, it } from "vitest";
import type { ServiceStatus } from "@edgewatt/protocol";
import { ManualClock } from "@edgewatt/runtime";
import { Claim } from "../../src/sharing/claim.ts";
import { IngestStatus } from "../../src/status.ts";

const { signal } = new AbortController();

function open(): { clock: ManualClock; status: IngestStatus; claim: Claim } {
  const clock = new ManualClock();
  const status = new IngestStatus("one", clock);
  return { clock, status, claim: new Claim("one", status, clock) };
}

function said(state: ServiceStatus["state"], epoch: number): ServiceStatus {
  return { v: 1, state, epoch, ts: epoch };
}

/** Whether a promise has settled by now, and how. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const settled = promise.then(
    () => "won",
    (error: unknown) => (error as Error).message,
  );
  return Promise.race([settled, new Promise<string>((resolve) => setImmediate(() => resolve("waiting")))]);
}

describe("a name", () => {
  it("is free where nobody has left a word", async () => {
    const { clock, claim } = open();
    const won = claim.win(signal);
    await clock.advance(300);
    expect(await stateOf(won)).toBe("won");
  });

  it("is free at once where the last word was a goodbye", async () => {
    const { status, claim } = open();
    claim.observe(said("offline", status.epoch - 1), true);
    expect(await stateOf(claim.win(signal))).toBe("won");
  });

  it("is free when whoever had it stays silent, or is declared dead meanwhile", async () => {
    for (const dies of [false, true]) {
      const { clock, status, claim } = open();
      claim.observe(said("online", status.epoch - 1), true);
      const won = claim.win(signal);
      await clock.advance(1_000);
      expect(await stateOf(won)).toBe("waiting");
      if (dies) claim.observe(said("offline", status.epoch - 1), false);
      else await clock.advance(10_000);
      expect(await stateOf(won)).toBe("won");
    }
  });

  it("is taken when whoever has it speaks, whatever its clock says", async () => {
    for (const offset of [-1, 1]) {
      const { status, claim } = open();
      claim.observe(said("holding", status.epoch + offset), true);
      const won = claim.win(signal);
      claim.observe(said("holding", status.epoch + offset), false);
      expect(await stateOf(won)).toContain('another ingest runs as "one" on this broker since');
    }
  });

  it("stays ours against one that comes later, and is lost to one that was here before", async () => {
    const { clock, status, claim } = open();
    const won = claim.win(signal);
    await clock.advance(300);
    await won;
    claim.observe(said("online", status.epoch), false);
    claim.observe(said("online", status.epoch + 1), false);
    expect(await stateOf(claim.lost)).toBe("waiting");
    claim.observe(said("online", status.epoch - 1), false);
    expect(await stateOf(claim.lost)).toContain("another ingest runs");
  });

  it("gets an epoch above that of a later run that has ended, or whose word is left", async () => {
    for (const [state, retained] of [
      ["offline", false],
      ["online", true],
    ] as const) {
      const { clock, status, claim } = open();
      const won = claim.win(signal);
      await clock.advance(300);
      await won;
      const [first, later] = [status.epoch, status.epoch + 1000];
      claim.observe(said(state, later), retained);
      expect(status.epoch).toBe(later + 1);
      // Our own word, on its way since before.
      claim.observe(said("online", first), false);
      expect(await stateOf(claim.lost)).toBe("waiting");
    }
  });
});
