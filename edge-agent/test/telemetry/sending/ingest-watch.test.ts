import { encodeMessage, formatTopic, type ServiceStatus } from "@edgewatt/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { IngestWatch } from "../../../src/telemetry/sending/ingest-watch.ts";

let told = 0;
let watch: IngestWatch;

beforeEach(() => {
  told = 0;
  watch = new IngestWatch(() => (told += 1));
});

function say(id: string, state?: ServiceStatus["state"], epoch = 1): void {
  const topic = formatTopic({ kind: "service", name: "ingest", id });
  const text = state === undefined ? "" : encodeMessage("service", { v: 1, state, ts: 1, epoch });
  watch.receive({ topic, payload: Buffer.from(text), retain: false });
}

describe("IngestWatch", () => {
  it("tells of an ingest that comes, comes back, or is another run, and not of one that repeats itself", () => {
    say("a", "holding");
    expect([told, watch.online]).toEqual([0, false]);
    say("a", "online");
    say("a", "online");
    expect([told, watch.online]).toEqual([1, true]);
    say("a", "holding");
    say("a", "online");
    expect(told).toBe(2);
    say("a", "online", 2);
    expect(told).toBe(3);
  });

  it("tells when one goes and another is there to take its devices", () => {
    say("a", "online");
    say("b", "online");
    told = 0;
    say("b", "offline");
    expect([told, watch.online]).toEqual([1, true]);
    say("b", "offline");
    expect(told).toBe(1);
    say("a", "offline");
    expect([told, watch.online]).toEqual([1, false]);
  });

  it("tells when one that held batches goes, and when a topic is cleared", () => {
    say("a", "online");
    say("b", "holding");
    say("c", "online");
    told = 0;
    say("b", "offline");
    expect(told).toBe(1);
    say("c");
    expect([told, watch.online]).toEqual([2, true]);
    say("a");
    expect([told, watch.online]).toEqual([2, false]);
  });

  it("ignores the will of an earlier run", () => {
    say("a", "online", 2);
    say("b", "online");
    told = 0;
    say("a", "offline", 1);
    expect([told, watch.online]).toEqual([0, true]);
  });
});
