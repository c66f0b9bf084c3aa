import { BenchError } from "./errors.ts";
import type { Suite } from "./suite.ts";

/** A suite by its name; its code is loaded only when it is asked for. */
export interface SuiteEntry {
  readonly name: string;
  /** How long it takes on two x64 cores with every peer installed. */
  readonly expectedMinutes: number;
  readonly open: () => Promise<Suite>;
}

/** All benchmarks, in the order in which they run. */
export const SUITES: readonly SuiteEntry[] = [
  {
    name: "quantizer/minmax",
    expectedMinutes: 1,
    open: async () => (await import("./quantizer/whole-run.ts")).wholeRun("minmax"),
  },
  {
    name: "quantizer/percentile",
    expectedMinutes: 1.5,
    open: async () => (await import("./quantizer/whole-run.ts")).wholeRun("percentile"),
  },
  {
    name: "quantizer/entropy",
    expectedMinutes: 1.5,
    open: async () => (await import("./quantizer/whole-run.ts")).wholeRun("entropy"),
  },
  {
    name: "quantizer/latency",
    expectedMinutes: 0.5,
    open: async () => (await import("./quantizer/latency.ts")).latency,
  },
  {
    name: "quantizer/accuracy",
    expectedMinutes: 15,
    open: async () => (await import("./quantizer/accuracy.ts")).accuracy,
  },
  {
    name: "quantizer/ablation",
    expectedMinutes: 15,
    open: async () => (await import("./quantizer/ablation.ts")).ablation,
  },
  {
    name: "pruning/accuracy",
    expectedMinutes: 8,
    open: async () => (await import("./pruning/accuracy.ts")).accuracy,
  },
  {
    name: "pruning/latency",
    expectedMinutes: 5,
    open: async () => (await import("./pruning/latency.ts")).latency,
  },
  {
    name: "pruning/cost",
    expectedMinutes: 4,
    open: async () => (await import("./pruning/cost.ts")).cost,
  },
  {
    name: "measuring/latency",
    expectedMinutes: 3,
    open: async () => (await import("./measuring/latency.ts")).latency,
  },
  {
    name: "measuring/sampler",
    expectedMinutes: 1.5,
    open: async () => (await import("./measuring/sampler.ts")).sampler,
  },
  {
    name: "measuring/start",
    expectedMinutes: 0.5,
    open: async () => (await import("./measuring/start.ts")).start,
  },
  {
    name: "telemetry/ingest",
    expectedMinutes: 6,
    open: async () => (await import("./telemetry/ingest.ts")).ingest,
  },
  {
    name: "telemetry/queryable",
    expectedMinutes: 2,
    open: async () => (await import("./telemetry/queryable.ts")).queryable,
  },
  {
    name: "telemetry/agent",
    expectedMinutes: 5,
    open: async () => (await import("./telemetry/agent.ts")).agent,
  },
  {
    name: "live/latency",
    expectedMinutes: 1.5,
    open: async () => (await import("./live/latency.ts")).latency,
  },
  {
    name: "live/frame",
    expectedMinutes: 1.5,
    open: async () => (await import("./live/frame.ts")).frame,
  },
  {
    name: "live/load",
    expectedMinutes: 0.2,
    open: async () => (await import("./live/load.ts")).load,
  },
];

/**
 * The suites that hold benchmarks whose name begins with one of the names; all of them without a name.
 * @throws BenchError when a name begins none
 */
export function selectSuites(names: readonly string[], suites: readonly SuiteEntry[] = SUITES): SuiteEntry[] {
  const holds = (suite: SuiteEntry, name: string): boolean =>
    suite.name.startsWith(name) || name.startsWith(`${suite.name}/`);
  const unknown = names.find((name) => !suites.some((suite) => holds(suite, name)));
  if (unknown !== undefined) {
    throw new BenchError(
      `no benchmark's name begins with "${unknown}": there are ${suites.map((suite) => suite.name).join(", ")}`,
      { code: "unknown-benchmark", context: { name: unknown } },
    );
  }
  return suites.filter((suite) => names.length === 0 || names.some((name) => holds(suite, name)));
}
