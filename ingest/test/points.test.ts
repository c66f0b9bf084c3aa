import { describe, expect, it } from "vitest";
import { MEASUREMENTS, type Channel, type Stream, type TelemetryBatch } from "@edgewatt/protocol";
import type { LineBlock } from "../src/line-block.ts";
import { toOwnPoint, toPoints } from "../src/points.ts";

const T0 = 1_700_000_000_000_000;

function batch(ch: Record<string, Channel>): TelemetryBatch {
  return { v: 1, boot: 1, seq: 0, sync: true, ch };
}

function linesOf(block: LineBlock): string[] {
  return block.ends.map((end, index) => block.text.slice(block.ends[index - 1] ?? 0, end - 1));
}

function read(device: string, stream: Stream, telemetry: TelemetryBatch) {
  const { block, omissions } = toPoints(device, stream, telemetry);
  return { lines: linesOf(block), omissions };
}

describe("toPoints", () => {
  it("takes tags from the topic, the channel and columns, and fields by the catalogue", () => {
    const { lines, omissions } = read(
      "pi-1",
      "power",
      batch({
        "main rail": { t0: T0, dt: [0, 100_000], w: [3.5, 4], wMax: [5, null], source: "estimate", run: "j/0" },
      }),
    );
    expect(lines).toEqual([
      String.raw`power,channel=main\ rail,device=pi-1,source=estimate watts=3.5,watts_max=5,run="j/0" 1700000000000000`,
      String.raw`power,channel=main\ rail,device=pi-1,source=estimate watts=4,run="j/0" 1700000000100000`,
    ]);
    expect([...omissions]).toEqual([]);
  });

  it("takes a tag that changes from row to row, and leaves an absent one out", () => {
    const { lines } = read(
      "pi-1",
      "inference",
      batch({ "inference/a": { t0: T0, dt: [0, 1], latencyMs: [1, 2], model: ["a", "b"], precision: ["int8", null] } }),
    );
    expect(lines).toEqual([
      "inference,device=pi-1,model=a,precision=int8 latency_ms=1 1700000000000000",
      "inference,device=pi-1,model=b latency_ms=2 1700000000000001",
    ]);
  });

  it("types integers and booleans, and skips rows that have no field", () => {
    const { lines } = read(
      "pi-1",
      "system",
      batch({
        system: { t0: T0, dt: [0, 1], throttled: [0, null], tempC: [null, null] },
        device: { t0: T0, dt: [5], sync: true },
      }),
    );
    expect(lines).toEqual([
      "system,device=pi-1 throttled=0i 1700000000000000",
      "device,device=pi-1 sync=true 1700000000000005",
    ]);
  });

  it("stores the rest when a channel, a column, a type or a tag cannot be stored, and names what it left out", () => {
    const { lines, omissions } = read(
      "pi-1",
      "summary",
      batch({
        "mystery/x": { t0: T0, dt: [0], a: 1 },
        "run_summary/a": { t0: T0, dt: [0], model: "a", params: 1.5, latencyMs: 2, colour: "red" },
        "run_summary/b": { t0: T0, dt: [0], model: "two\nlines", latencyMs: 2 },
      }),
    );
    expect(lines).toEqual(["run_summary,device=pi-1,model=a latency_ms=2 1700000000000000"]);
    expect([...omissions]).toEqual([
      'summary: unknown channel "mystery/x"',
      'run_summary: unknown column "colour"',
      'run_summary: column "params" is not of type integer',
      "run_summary: a tag holds a control character or ends in a backslash",
    ]);
  });
});

it("writes a service's own point with the tags that it has", () => {
  expect(
    linesOf(toOwnPoint(MEASUREMENTS.pipeline, { service: "ingest", id: "ingest-1", points: 3, queue: 0 }, T0)),
  ).toEqual(["pipeline,id=ingest-1,service=ingest points=3i,queue=0i 1700000000000000"]);
});
