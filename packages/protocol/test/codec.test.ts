import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, parseArguments, readBatchNumbers } from "../src/codec.ts";
import { DecodeError } from "../src/errors.ts";
import { benchmarkArgsSchema } from "../src/jobs.ts";
import type { TopicKind } from "../src/topics.ts";

const sha256 = "a".repeat(64);
const model = { name: "m", url: "http://127.0.0.1/artifacts/a", sha256, bytes: 1, kind: "model" };

/** One legal message of every kind of topic. */
const EXAMPLES: Record<TopicKind, Record<string, unknown>> = {
  status: { v: 1, state: "online", boot: 3, conn: 1, ts: 1_700_000_000_000, cause: "connected" },
  info: {
    v: 1,
    ts: 1,
    boot: 3,
    versions: { edgewatt: "0.1.0", node: "20.20.2", onnxruntime: "1.30.0" },
    hardware: {
      board: "Raspberry Pi 4 Model B Rev 1.5",
      cpu: "Cortex-A72",
      cores: 4,
      memoryMb: 3885,
      arch: "arm64",
      os: "Linux 6.6",
      governor: null,
      hostId: "abc",
    },
    operations: ["quantize", "benchmark"],
    limits: { queuedJobs: 8, commandBytes: 256_000 },
    power: [{ channel: "main", source: "estimate", rateHz: 10, settings: { idleW: 2.7 } }],
    clock: { synchronized: true },
  },
  telemetry: {
    v: 1,
    boot: 3,
    seq: 0,
    sync: true,
    ch: { main: { t0: 1_700_000_000_000_000, dt: [0, 100_000], w: [2.5, 2.6], source: "estimate" } },
  },
  live: { v: 1, boot: 3, ch: { main: { t: 1_700_000_000_000_000, w: 2.5 } } },
  ack: {
    v: 1,
    boot: 3,
    ranges: [
      [0, 4],
      [6, 6],
    ],
  },
  command: {
    v: 1,
    job: "01K",
    op: "benchmark",
    rev: 1,
    issuedAt: 1,
    expiresAt: 2,
    timeoutS: 7200,
    cancel: false,
    by: "me",
    args: { entries: [{ model, precision: "fp32" }], options: {} },
  },
  jobState: {
    v: 1,
    job: "01K",
    op: "benchmark",
    rev: 1,
    state: "running",
    ts: 1,
    boot: 3,
    attempt: 1,
    step: "measure",
  },
  jobEvent: { v: 1, job: "01K", ts: 1, level: "info", message: "block 1 of 3" },
  service: { v: 1, state: "holding", ts: 2, epoch: 1, reason: "InfluxDB does not answer" },
  enrollRequest: { v: 1, ts: 1, device: "pi-1" },
  enrollResponse: { v: 1, ts: 1, device: "pi-1", granted: false, reason: "unknown claim" },
};
const KINDS = Object.keys(EXAMPLES) as TopicKind[];

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
  return "none";
}

describe("codec", () => {
  it.each(KINDS)("reads back a %s message, unknown fields included", (kind) => {
    const message = { ...EXAMPLES[kind], addedLater: { deep: [1, "x"] } };
    const text = encodeMessage(kind, message as never);
    expect(decodeMessage(kind, bytesOf(text))).toEqual(message);
  });

  it.each(KINDS)("refuses a %s message of another version, and says which it reads", (kind) => {
    const read = () => decodeMessage(kind, bytesOf({ ...EXAMPLES[kind], v: 2 }));
    expect(codeOf(read)).toBe("unsupported-version");
    expect(read).toThrow(/version 2: this edgewatt reads version 1/);
  });

  it("shows only the beginning of a version that is no number, as it may be as long as the message", () => {
    const read = () => decodeMessage("status", bytesOf({ ...EXAMPLES.status, v: "x".repeat(100_000) }));
    expect(read).toThrow(/^.{1,200}$/);
  });

  it.each(KINDS)("refuses what is not a %s message", (kind) => {
    expect(codeOf(() => decodeMessage(kind, bytesOf("{ not json")))).toBe("not-json");
    expect(codeOf(() => decodeMessage(kind, bytesOf("null")))).toBe("unsupported-version");
    expect(codeOf(() => decodeMessage(kind, bytesOf({ v: 1 })))).toBe("invalid");
    expect(codeOf(() => decodeMessage(kind, new Uint8Array(300 * 1024)))).toBe("too-large");
  });

  it("names every field that is wrong", () => {
    const bad = { ...EXAMPLES.status, state: "asleep", boot: -1 };
    expect(() => decodeMessage("status", bytesOf(bad))).toThrow(/state: .*; boot: /);
  });

  it("only ever raises DecodeError on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), (kind, payload) => {
        expect(["none", "not-json", "unsupported-version", "invalid"]).toContain(
          codeOf(() => decodeMessage(kind, payload)),
        );
      }),
    );
  });

  it("refuses rows whose time does not advance, and columns of another length", () => {
    const batch = (channel: object) => ({ ...EXAMPLES.telemetry, ch: { main: { t0: 1, dt: [0, 5], ...channel } } });
    expect(codeOf(() => encodeMessage("telemetry", batch({ dt: [5, 5] }) as never))).toBe("invalid");
    expect(codeOf(() => encodeMessage("telemetry", batch({ w: [1] }) as never))).toBe("invalid");
    expect(codeOf(() => encodeMessage("telemetry", batch({ w: [1, 2], ok: true }) as never))).toBe("none");
  });

  it("refuses to encode a batch of 64 KiB", () => {
    const dt = Array.from({ length: 20_000 }, (_, i) => i);
    const batch = { v: 1 as const, boot: 0, seq: 0, sync: true, ch: { main: { t0: 1, dt } } };
    expect(codeOf(() => encodeMessage("telemetry", batch))).toBe("too-large");
  });

  it("checks a command's arguments by its operation", () => {
    const args = parseArguments(benchmarkArgsSchema, EXAMPLES.command["args"]);
    expect(args.options.quick).toBe(false);
    expect(codeOf(() => parseArguments(benchmarkArgsSchema, { entries: [] }))).toBe("invalid");
  });
});

describe("readBatchNumbers", () => {
  const read = (text: string) => readBatchNumbers(Buffer.from(text));

  it("finds the numbers of a batch of another version or of no legal form", () => {
    expect(read('{"v":9,"boot":3,"seq":7,"rows":{}}')).toEqual({ boot: 3, seq: 7 });
    expect(read('{"v":1,"boot":3,"seq":7,"sync":"yes","ch":[]}')).toEqual({ boot: 3, seq: 7 });
  });

  it.each([
    "not json",
    "[]",
    "null",
    '{"boot":3}',
    '{"boot":-1,"seq":7}',
    '{"boot":"3","seq":7}',
    `{"boot":3,"seq":7,"x":"${"x".repeat(256 * 1024)}"}`,
  ])("finds none in %.20s", (text) => {
    expect(read(text)).toBeUndefined();
  });
});
