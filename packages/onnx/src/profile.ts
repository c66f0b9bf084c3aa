import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { ModelError, throwIfCanceled } from "./errors.ts";
import type { ModelProto } from "./proto.ts";
import { createSession, sessionSettings, wrapSession, type OpenSessionOptions, type TensorValue } from "./session.ts";

const WARM_UP_RUNS = 10;
const LARGEST_RUNS = 200;
const SMALLEST_RUNS = 10;
/** ONNX Runtime keeps every event until the end, about 2 kB each, and stops recording after a million. */
const LARGEST_EVENTS = 20_000;
const LONGEST_MS = 10_000;

/** Nodes that run a graph of their own: their time holds that of the nodes inside. */
const CONTROL_FLOW = new Set(["If", "Loop", "Scan"]);
const KERNEL = /_kernel_time$/;

/** What one node of the graph that ONNX Runtime really runs takes. */
export interface KernelTime {
  /** The node's name after ONNX Runtime's optimizations. */
  readonly name: string;
  /** Its operator there, such as `QLinearConv`. */
  readonly op: string;
  /** Time of a run in µs: the mean of the middle half of all runs, which what else the machine does disturbs little. */
  readonly us: number;
}

export interface ModelProfile {
  readonly kernels: readonly KernelTime[];
  /** Runs that were measured, after those that warmed up. */
  readonly runs: number;
}

export interface ProfileOptions extends Pick<OpenSessionOptions, "threads" | "int8Activations" | "name"> {
  readonly signal?: AbortSignal;
  /** Runs that are done, of those that are done at most. */
  readonly onRuns?: (done: number, total: number) => void;
}

/**
 * Measures with ONNX Runtime's profiler how long every node takes when a model runs as a deployed one does, all optimizations on.
 * @param feeds inputs that the runs take in turn, at least one
 * @throws ModelError when the model does not load, does not run, or ONNX Runtime writes no profile (code `no-profile`)
 */
export async function profileModel(
  model: ModelProto,
  feeds: readonly Readonly<Record<string, TensorValue>>[],
  options: ProfileOptions = {},
): Promise<ModelProfile> {
  const { signal, name = "the model" } = options;
  const nodes = model.graph?.node.length ?? 1;
  const runs = Math.max(SMALLEST_RUNS, Math.min(LARGEST_RUNS, Math.floor(LARGEST_EVENTS / Math.max(1, nodes))));
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-profile-"));
  try {
    const settings = {
      ...sessionSettings(options),
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
    };
    const binding = await createSession(model, settings, name);
    await using session = wrapSession(binding, name);
    const startedMs = performance.now();
    for (let run = 0; run < WARM_UP_RUNS + runs; run++) {
      if (run >= WARM_UP_RUNS + SMALLEST_RUNS && performance.now() - startedMs > LONGEST_MS) break;
      await session.run(feeds[run % feeds.length] ?? {}, undefined, signal);
      options.onRuns?.(run + 1, WARM_UP_RUNS + runs);
    }
    binding.endProfiling();
    throwIfCanceled(signal, `profiling ${name}`);
    const [file] = await readdir(folder);
    const profile = file === undefined ? undefined : await readProfile(join(folder, file));
    if (profile !== undefined && profile.runs > 0 && profile.kernels.length > 0) return profile;
    throw new ModelError(`ONNX Runtime wrote no profile of ${name} to ${folder}: check the free space there`, {
      code: "no-profile",
      context: { folder },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Times of one kernel, a value for each run. */
interface Samples {
  readonly op: string;
  readonly us: number[];
}

/** The profile has one event a line; nodes come in the order in which they ended, and `model_run` ends a run. */
async function readProfile(path: string): Promise<ModelProfile> {
  const kernels = new Map<string, Samples>();
  let pending: Event[] = [];
  let runs = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const text = line.trim().replace(/,$/, "");
    if (!text.startsWith("{")) continue;
    const event = JSON.parse(text) as Event;
    if (event.cat === "Node" && KERNEL.test(event.name)) {
      if (CONTROL_FLOW.has(event.args?.op_name ?? "")) pending = pending.filter((inner) => inner.ts < event.ts);
      pending.push(event);
    } else if (event.name === "model_run") {
      runs++;
      if (runs > WARM_UP_RUNS) addRun(kernels, pending);
      pending = [];
    }
  }
  return {
    kernels: [...kernels].map(([name, { op, us }]) => ({ name, op, us: middleMean(us) })),
    runs: Math.max(0, runs - WARM_UP_RUNS),
  };
}

function addRun(kernels: Map<string, Samples>, events: readonly Event[]): void {
  const run = new Map<string, { op: string; us: number }>();
  for (const { name, dur, args } of events) {
    const node = name.replace(KERNEL, "");
    run.set(node, { op: args?.op_name ?? "", us: (run.get(node)?.us ?? 0) + dur });
  }
  for (const [name, { op, us }] of run) {
    const samples = kernels.get(name) ?? { op, us: [] };
    samples.us.push(us);
    kernels.set(name, samples);
  }
}

/** Mean of the values between the quartiles: as robust as the median, but finer than the profiler's whole microseconds. */
function middleMean(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
