import { expect, it } from "vitest";
import type { Spool, SpooledBatch } from "../../src/telemetry/spool.ts";

function batch(seq: number, over: Partial<SpooledBatch> = {}): SpooledBatch {
  return { boot: 1, stream: "power", seq, payload: "x".repeat(100), points: 5, ...over };
}

/** What every spool must do; `open` gives an empty one that holds about `capBytes` of payload. */
export function spoolContract(open: (capBytes: number) => Promise<Spool>): void {
  it("keeps batches until they are acknowledged, newest first", async () => {
    const spool = await open(1e6);
    for (let seq = 0; seq < 5; seq++) expect(await spool.append(batch(seq))).toEqual([]);
    expect([...spool.newestFirst()].map(({ seq }) => seq)).toEqual([4, 3, 2, 1, 0]);
    const ranges: [number, number][] = [
      [0, 1],
      [3, 3],
    ];
    expect(await spool.acknowledge("power", { v: 1, boot: 1, ranges })).toBe(3);
    expect([...spool.newestFirst()].map(({ seq }) => seq)).toEqual([4, 2]);
    expect(spool.batches).toBe(2);
    await spool.close();
  });

  it("heeds boot and stream of an acknowledgement, and is not troubled by strange ranges", async () => {
    const spool = await open(1e6);
    await spool.append(batch(0));
    await spool.append(batch(0, { stream: "system" }));
    await spool.append(batch(0, { boot: 2 }));
    const everything: [number, number][] = [[0, Number.MAX_SAFE_INTEGER]];
    expect(await spool.acknowledge("power", { v: 1, boot: 1, ranges: everything })).toBe(1);
    expect(await spool.acknowledge("power", { v: 1, boot: 7, ranges: everything })).toBe(0);
    expect([...spool.newestFirst()].map(({ boot, stream }) => `${boot} ${stream}`)).toEqual(["2 power", "1 system"]);
    await spool.close();
  });

  it("drops the oldest over its cap and says how many points of what", async () => {
    const spool = await open(350);
    await spool.append(batch(0, { stream: "system", points: 2 }));
    await spool.append(batch(1));
    await spool.append(batch(2));
    expect(await spool.append(batch(3))).toEqual([{ stream: "system", points: 2 }]);
    expect(await spool.append(batch(4))).toEqual([{ stream: "power", points: 5 }]);
    expect([...spool.newestFirst()].map(({ seq }) => seq)).toEqual([4, 3, 2]);
    expect(spool.bytes).toBeLessThanOrEqual(350);
    await spool.close();
  });
}
