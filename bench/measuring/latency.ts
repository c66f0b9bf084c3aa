import { findPythonPeer, findWheelLibrary } from "../peers/python.ts";
import { describeSpread, spreadOf, type Spread } from "../processes.ts";
import { zooModels, type ZooModel } from "../quantizer/material.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { startBareLoop, startPython, startRunner, type LatencySide } from "./latency-sides.ts";

/** Fresh processes of each side: they differ from each other by some per cent, by where their memory lies. */
const PROCESSES = 12;
/** The first window of a process still warms it and is not counted. */
const WINDOWS = 3;
const WINDOW_S = 0.4;

const GOAL = { comparison: "<=", ratio: 1.02 } as const;

/**
 * The time of one image as the runner reports it against the same model in a bare loop over the same binding, which shows what the
 * runner adds, and in Python's onnxruntime where it is installed: as both are installed, and both on the library of Python's package,
 * which leaves the difference between two builds of ONNX Runtime out.
 */
export const latency: Suite = { run: measure };

interface Side {
  readonly label: string;
  readonly start: (modelPath: string) => Promise<LatencySide>;
}

interface Comparison {
  readonly key: string;
  readonly ours: Side;
  readonly theirs: Side;
}

const runner: Side = { label: "the runner", start: (path) => startRunner(path) };
const bareLoop: Side = { label: "a bare loop over onnxruntime-node", start: startBareLoop };

async function* measure({ signal, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const { comparisons, missing } = await findComparisons();
  for (const model of (await zooModels()).filter((_, index, all) => index === 0 || index === all.length - 1)) {
    const nameOf = ({ key }: { key: string }): string => `measuring/latency/${model.name}/${key}`;
    const asked = comparisons.filter((comparison) => wanted(nameOf(comparison)));
    const spreads = await measureSides(asked, model, signal);
    for (const comparison of asked) {
      const [ours, theirs] = [spreads.get(comparison.ours), spreads.get(comparison.theirs)];
      if (ours !== undefined && theirs !== undefined) yield resultOf(nameOf(comparison), comparison, ours, theirs);
    }
    for (const { key, note } of missing) yield unmeasured(nameOf({ key }), "ms", note);
  }
}

/** What can be compared here, and why the rest cannot. */
async function findComparisons(): Promise<{ comparisons: Comparison[]; missing: { key: string; note: string }[] }> {
  const comparisons: Comparison[] = [{ key: "bare-loop", ours: runner, theirs: bareLoop }];
  const peer = await findPythonPeer();
  if (peer.python === null) {
    return { comparisons, missing: ["python", "python-same-build"].map((key) => ({ key, note: peer.note })) };
  }
  const { python, label } = peer;
  const theirs: Side = { label: `the same loop in ${label}`, start: (path) => startPython(path, python) };
  comparisons.push({ key: "python", ours: runner, theirs });
  const wheel = await findWheelLibrary(python);
  if (wheel.library === null) return { comparisons, missing: [{ key: "python-same-build", note: wheel.note }] };
  const { library } = wheel;
  const sameBuild: Side = {
    label: "the runner on that package's library",
    start: (path) => startRunner(path, library),
  };
  comparisons.push({ key: "python-same-build", ours: sameBuild, theirs });
  return { comparisons, missing: [] };
}

/** The medians of each side's processes; sides take turns, so that what else the machine does meets all of them alike. */
async function measureSides(
  comparisons: readonly Comparison[],
  model: ZooModel,
  signal: AbortSignal,
): Promise<ReadonlyMap<Side, Spread>> {
  const sides = [...new Set(comparisons.flatMap(({ ours, theirs }) => [ours, theirs]))];
  const medians = new Map<Side, number[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < PROCESSES; round++) {
    // Whoever comes later finds a processor that the others have warmed, so each comes first in turn.
    const first = round % Math.max(1, sides.length);
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      signal.throwIfAborted();
      medians.get(side)?.push(await medianOfProcess(side, model.path));
    }
  }
  return new Map([...medians].map(([side, values]) => [side, spreadOf(values)]));
}

async function medianOfProcess(side: Side, modelPath: string): Promise<number> {
  await using started = await side.start(modelPath);
  await started.window(WINDOW_S);
  const windows: number[] = [];
  for (let i = 0; i < WINDOWS; i++) windows.push(await started.window(WINDOW_S));
  return spreadOf(windows).median;
}

function resultOf(name: string, { ours, theirs }: Comparison, own: Spread, other: Spread): BenchResult {
  return compare(
    {
      name,
      value: own.median,
      unit: "ms",
      peer: theirs.label,
      peerValue: other.median,
      note:
        `${ours.label}, ${PROCESSES} fresh processes a side in turn, median of ${WINDOWS} windows of ${WINDOW_S} s each, one thread; ` +
        `min / median / max over processes, ms: ours ${describeSpread(own, 4)}, theirs ${describeSpread(other, 4)}`,
    },
    GOAL,
  );
}
