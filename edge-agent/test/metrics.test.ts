import { describe, expect, it } from "vitest";
import { agentHealth, agentMetrics, type AgentParts } from "../src/metrics.ts";
import { ReadingCounts } from "../src/sampler/reading-counts.ts";
import type { TelemetryFigures } from "../src/telemetry/figures.ts";

const FIGURES: TelemetryFigures = {
  spoolBatches: 7,
  spoolBytes: 4000,
  spoolAgeS: 2.5,
  cutBytes: 0,
  disk: { state: "ok" },
  droppedPoints: 3,
  batches: 20,
  points: 900,
  sentBatches: 15,
  resentBatches: 2,
  acknowledgedBatches: 13,
  waitingBatches: 1,
};

function parts(change: Partial<AgentParts> = {}, figures: Partial<TelemetryFigures> = {}): AgentParts {
  return {
    connected: () => true,
    ingestOnline: () => true,
    clockSynchronized: () => false,
    telemetry: () => ({ ...FIGURES, ...figures }),
    spoolCapBytes: 5000,
    jobs: () => new Map([["running", 1]]),
    channels: () => [],
    readings: new ReadingCounts(),
    monotonicUs: () => 10e6,
    ...change,
  };
}

function read(from: AgentParts): Record<string, [string, number | undefined][]> {
  return Object.fromEntries(
    agentMetrics(from).flatMap((metric) =>
      metric.type === "histogram" ? [] : [[metric.name, [...metric.read()].map(([label, n]) => [label, n])]],
    ),
  );
}

describe("the agent's health", () => {
  it("is that of its connection, and of the disk that keeps telemetry", () => {
    expect(agentHealth(parts())).toEqual({ healthy: true, state: "ready" });
    const full = { disk: { state: "failed", code: "ENOSPC" } } as const;
    expect(agentHealth(parts({}, full))).toEqual({
      healthy: false,
      state: "disk-failed",
      reason: expect.stringContaining("(ENOSPC)"),
    });
    expect(agentHealth(parts({ connected: () => false }, full)).state).toBe("disconnected");
  });
});

describe("the agent's metrics", () => {
  it("are those of telemetry and jobs, each under its name", () => {
    expect(read(parts())).toMatchObject({
      spool_batches: [["", 7]],
      spool_bytes: [["", 4000]],
      spool_limit_bytes: [["", 5000]],
      spool_age_seconds: [["", 2.5]],
      spool_disk_ok: [["", 1]],
      points_dropped_total: [["", 3]],
      batches_resent_total: [["", 2]],
      batches_acknowledged_total: [["", 13]],
      clock_waiting_batches: [["", 1]],
      clock_synchronized: [["", 0]],
      jobs: [["running", 1]],
    });
    expect(read(parts({}, { disk: { state: "failed", code: "EROFS" } }))["spool_disk_ok"]).toEqual([["", 0]]);
  });

  it("are those of each power channel", () => {
    const readings = new ReadingCounts();
    readings.add("main", { newestUs: 9.5e6, readings: 100, missed: 4, gapUs: 30_000 });
    readings.fault("nack");
    const channel = {
      channel: "main",
      meter: "main",
      source: "ina226" as const,
      rateHz: 1000,
      accumulates: false,
      isOpening: false,
    };
    const states = [
      { ...channel, described: undefined, fault: undefined },
      { ...channel, channel: "other", described: undefined, fault: "nothing answers" },
    ];
    expect(read(parts({ readings, channels: () => states }))).toMatchObject({
      sampler_channel_ok: [
        ["main", 1],
        ["other", 0],
      ],
      sampler_readings_total: [["main", 100]],
      sampler_readings_missed_total: [["main", 4]],
      sampler_gap_max_seconds: [["main", 0.03]],
      sampler_silent_seconds: [["main", 0.5]],
      sampler_faults_total: [["nack", 1]],
    });
  });
});
