import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { measureStretch, type Trace } from "../../src/measure/energy.ts";
import { openTraces, TraceFile, traceName, type TracedStretch } from "../../src/measure/trace-file.ts";

const header = { device: "pi-1", settings: '{"shuntOhm":0.1}' };

function traced(window: number, phase: TracedStretch["phase"], accumulates = false): TracedStretch {
  const tUs = Float64Array.from({ length: 500 }, (_, i) => 1e12 + window * 1e6 + i * 1000.3);
  const watts = tUs.map((_, i) => 3 + Math.sin(i / 7));
  const joules = accumulates ? tUs.map((_, i) => 100 + i * 0.003) : null;
  return { window, phase, fromUs: (tUs[3] ?? 0) + 1, toUs: (tUs[490] ?? 0) + 1, trace: { tUs, watts, joules } };
}

/** The trace of a stretch as a reader of the file gets it. */
function readBack(text: string, window: number, phase: string): Trace {
  const cells = text
    .split("\n")
    .filter((line) => line.startsWith(`${window},${phase},`))
    .map((line) => line.split(","));
  const column = (index: number) => Float64Array.from(cells, (row) => Number(row[index]));
  return { tUs: column(2), watts: column(3), joules: cells[0]?.[4] === "" ? null : column(4) };
}

describe("TraceFile", () => {
  it("gives a file from which the energy of a window comes out again", async () => {
    await using dir = await tempDir();
    const cache = await openTraces(path.join(dir.path, "traces"), 1e9);
    await using file = new TraceFile(cache, "m-fp32", header);
    const first = traced(0, "window");
    await file.add([traced(0, "idle-before"), first, traced(0, "idle-after")]);
    await file.add([traced(1, "window", true)]);
    const stored = await file.store(new Set());

    const bytes = await readFile(stored.file);
    expect(bytes.byteLength).toBe(stored.bytes);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(stored.sha256);
    const text = gunzipSync(bytes).toString();
    expect(text.split("\n").slice(0, 4)).toEqual([
      "# device: pi-1",
      '# settings: {"shuntOhm":0.1}',
      "window,phase,t_us,watts,joules",
      expect.stringMatching(/^# window 0 idle-before: from_us \d+\.\d to_us \d+\.\d$/),
    ]);
    const { fromUs, toUs, trace } = first;
    const [, from, to] = /^# window 0 window: from_us (\S+) to_us (\S+)$/m.exec(text) ?? [];
    const again = measureStretch(readBack(text, 0, "window"), Number(from), Number(to))?.joules ?? 0;
    expect(again / (measureStretch(trace, fromUs, toUs)?.joules ?? 1)).toBeCloseTo(1, 6);
    expect(readBack(text, 1, "window").joules).toHaveLength(500);
  });

  it("leaves a reserve of the disk alone", async () => {
    await using dir = await tempDir();
    const folder = path.join(dir.path, "traces");
    await using file = new TraceFile(await openTraces(folder, 1e9), "m-fp32", header, 1e18);
    await expect(file.add([traced(0, "window")])).rejects.toMatchObject({ code: "disk-low" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("keeps within its room, and leaves nothing of files that were not stored", async () => {
    await using dir = await tempDir();
    const folder = path.join(dir.path, "traces");
    const cache = await openTraces(folder, 30_000);
    const digests: string[] = [];
    for (let i = 0; i < 6; i++) {
      await using file = new TraceFile(cache, `m-${i}`, header);
      await file.add([traced(i, "window"), traced(i, "idle-after")]);
      digests.push((await file.store(new Set())).sha256);
    }
    {
      await using dropped = new TraceFile(cache, "dropped", header);
      await dropped.add([traced(9, "window")]);
    }
    const left = await readdir(folder);
    expect(left).toContain(digests.at(-1));
    expect(left).not.toContain(digests[0]);
    expect(left.length).toBeLessThan(6);
    expect(left.join()).not.toContain("part");

    await writeFile(path.join(folder, "of-a-crash.part"), "x");
    await openTraces(folder, 30_000);
    expect(await readdir(folder)).not.toContain("of-a-crash.part");
  });

  it("names the artifact after model, precision and run", () => {
    expect(traceName("m", "int8", "JOB/3")).toBe("m-int8-JOB-3.csv.gz");
  });
});
