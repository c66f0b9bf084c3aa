import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../src/errors.ts";
import { OPERATIONS, SERVICES, STREAMS } from "../src/names.ts";
import { formatTopic, parseTopic, topicFilter, type Topic, type TopicKind } from "../src/topics.ts";

const device = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,39}$/);
const job = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const instance = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,63}$/);
const stream = fc.constantFrom(...STREAMS);

const topic: fc.Arbitrary<Topic> = fc.oneof(
  fc.record({ kind: fc.constantFrom("status" as const, "info" as const), device }),
  fc.record({ kind: fc.constantFrom("telemetry" as const, "live" as const, "ack" as const), device, stream }),
  fc.record({ kind: fc.constant("command" as const), device, op: fc.constantFrom(...OPERATIONS), job }),
  fc.record({ kind: fc.constantFrom("jobState" as const, "jobEvent" as const), device, job }),
  fc.record({ kind: fc.constant("service" as const), name: fc.constantFrom(...SERVICES), id: instance }),
  fc.record({ kind: fc.constantFrom("enrollRequest" as const, "enrollResponse" as const), claim: instance }),
);

/** MQTT 3.1.1 section 4.7.1, for filters without `#`. */
function matches(filter: string, name: string): boolean {
  const levels = name.split("/");
  const wanted = filter.split("/");
  return levels.length === wanted.length && wanted.every((level, i) => level === "+" || level === levels[i]);
}

describe("topics", () => {
  it("parses what it formats", () => {
    fc.assert(
      fc.property(topic, (t) => {
        expect(parseTopic(formatTopic(t))).toEqual(t);
      }),
    );
  });

  it("formats what it parses, and parses nothing that it could not have formatted", () => {
    const level = fc.oneof(
      device,
      fc.constantFrom(
        "edgewatt",
        "v1",
        "v2",
        "_svc",
        "_enroll",
        "cmd",
        "job",
        "tele",
        "power",
        "state",
        "hub",
        "+",
        "#",
        "",
      ),
      fc.string({ maxLength: 8 }),
    );
    const text = fc.oneof(
      fc.array(level, { maxLength: 7 }).map((levels) => levels.join("/")),
      fc.array(level, { maxLength: 5 }).map((levels) => ["edgewatt", "v1", ...levels].join("/")),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const parsed = parseTopic(candidate);
        if (parsed !== undefined) expect(formatTopic(parsed)).toBe(candidate);
      }),
      { numRuns: 2000 },
    );
  });

  it("has the names of the contract", () => {
    expect(formatTopic({ kind: "status", device: "pi-1" })).toBe("edgewatt/v1/pi-1/status");
    expect(formatTopic({ kind: "telemetry", device: "pi-1", stream: "power" })).toBe("edgewatt/v1/pi-1/tele/power");
    expect(formatTopic({ kind: "command", device: "pi-1", op: "benchmark", job: "J1" })).toBe(
      "edgewatt/v1/pi-1/cmd/benchmark/J1",
    );
    expect(formatTopic({ kind: "jobState", device: "pi-1", job: "J1" })).toBe("edgewatt/v1/pi-1/job/J1/state");
    expect(formatTopic({ kind: "service", name: "ingest", id: "a" })).toBe("edgewatt/v1/_svc/ingest/a");
    expect(formatTopic({ kind: "enrollRequest", claim: "c" })).toBe("edgewatt/v1/_enroll/c/req");
  });

  it.each(["pi/1", "+", "#", "Pi", "", "_svc", "p"])("refuses the device id %j", (id) => {
    expect(() => formatTopic({ kind: "status", device: id })).toThrow(DecodeError);
  });

  it.each<Topic>([
    { kind: "status", device: "pi-1/cmd/quantize" },
    { kind: "jobState", device: "pi-1", job: "J1/state/x" },
    { kind: "info", device: "pi-1/job/J1" },
  ])("refuses a part that would make another topic of it: $kind of $device", (t) => {
    expect(() => formatTopic(t)).toThrow(DecodeError);
  });

  it("gives filters that match every topic of their kind and, by part, no other", () => {
    fc.assert(
      fc.property(topic, (t) => {
        expect(matches(topicFilter(t.kind), formatTopic(t))).toBe(true);
        if ("device" in t) {
          expect(matches(topicFilter(t.kind, { device: t.device }), formatTopic(t))).toBe(true);
          expect(matches(topicFilter(t.kind, { device: `${t.device.slice(0, 38)}0x` }), formatTopic(t))).toBe(
            `${t.device.slice(0, 38)}0x` === t.device,
          );
        }
      }),
    );
    const kinds: readonly TopicKind[] = ["telemetry", "command", "service"];
    expect(kinds.map((kind) => topicFilter(kind))).toEqual([
      "edgewatt/v1/+/tele/+",
      "edgewatt/v1/+/cmd/+/+",
      "edgewatt/v1/_svc/+/+",
    ]);
  });
});
