import path from "node:path";
import { createInterface } from "node:readline/promises";
import { findModels, type Model, readRegistry } from "@edgewatt/registry";
import { systemClock, UnreachableError } from "@edgewatt/runtime";
import { ACCURACY_IMAGES, counted, plural, QUICK_ACCURACY_IMAGES, type Results } from "@edgewatt/protocol";
import { writeReport } from "@edgewatt/report";
import { withConnection } from "../client/broker.ts";
import { watchDrain } from "../client/drain.ts";
import { findDevice, type Fleet, readFleet } from "../client/fleet.ts";
import { findLocalData, type LocalData } from "../client/inputs.ts";
import { type Context, printJson, say } from "../context.ts";
import { CIFAR10 } from "../datasets/catalogue.ts";
import {
  type DemoScale,
  expectedSeconds,
  inMinutes,
  limitSeconds,
  methodWindows,
  overheadSeconds,
} from "../demo/expected-time.ts";
import { UsageError } from "../errors.ts";
import type { DatasetsOption, JsonOption } from "../options.ts";
import { childLog } from "../stack/child-log.ts";
import { type Stack, type StackFlags, startStack } from "../stack/stack.ts";
import { measure, type MeasureOptions, printResults } from "./benchmark.ts";
import { fetchWithProgress } from "./datasets.ts";

interface DemoOptions extends StackFlags, JsonOption, DatasetsOption {
  readonly quick?: true;
  readonly models?: readonly string[];
  readonly report: string;
  readonly budget?: number;
  readonly windows?: number;
  readonly windowS?: number;
  readonly accuracy?: number;
}

const PRECISIONS = ["fp32", "int8"] as const;
const DEVICE_WAIT_MS = 20_000;
const DRAIN_WAIT_MS = 30_000;
const POLL_MS = 100;

/** The main job on this machine: stack, quantization, twelve measurements, table, report. */
export async function demo(context: Context, options: DemoOptions): Promise<void> {
  const known = await readRegistry(path.resolve(context.cwd, options.data));
  const models =
    options.models === undefined ? known.filter(({ origin }) => origin === "zoo") : findModels(known, options.models);
  const data = await dataFor(context, options);
  const scale = scaleOf(options, models, data);
  const measuring = measureOptions(options, scale);
  announce(context, scale, models, data, totalSeconds(options, scale));

  const stack = await startStack({
    ...options,
    listen: "127.0.0.1",
    insecure: false,
    mqttPort: 0,
    httpPort: 0,
    // One port that the environment names would be taken by four.
    ...(context.env["EDGEWATT_METRICS_PORT"] ? { metricsPort: 0 } : {}),
    env: context.env,
    cwd: context.cwd,
    signal: context.signal,
    events: childLog(context),
  });
  let results: Results;
  try {
    if (options.json !== true) say(context, `Live page: ${stack.ready.hub}`);
    results = await measureOn(context, stack, { models, data, options: measuring });
  } finally {
    await stack.stop();
  }
  const report = path.resolve(context.cwd, options.report);
  // Shown first: a folder that cannot be written must not cost what took long to measure.
  if (options.json === true) printJson(context, { ...results, report });
  else printResults(context, results);
  await writeReport(report, results);
  if (options.json === true) return;
  say(context, `Report: ${path.join(report, "report.md")}`);
  say(
    context,
    stack.ready.influx === null
      ? `Telemetry: line-protocol files in ${path.join(stack.ready.data, "telemetry")}, as no influxd is on the PATH`
      : `Telemetry: InfluxDB in ${path.join(stack.ready.data, "influx")}; \`npm start\` serves it again, with the live page`,
  );
}

async function dataFor(context: Context, options: DemoOptions): Promise<LocalData> {
  const found = await findLocalData(context, options);
  const terminal = context.stdin.isTTY === true && context.stderr.isTTY === true;
  if (found.evaluationFile !== undefined || options.quick === true || options.json === true || !terminal) return found;
  const prompt = createInterface({ input: context.stdin });
  try {
    context.stderr.write(
      `Accuracy needs ${CIFAR10.name}, which is not here. Download it (170 MB) into ${path.join(options.data, "datasets")}? [y/N] `,
    );
    const answer = await prompt.question("", { signal: context.signal });
    if (!/^y(es)?$/i.test(answer.trim())) return found;
  } finally {
    prompt.close();
  }
  await fetchWithProgress(context, CIFAR10, path.resolve(context.cwd, options.data, "datasets"));
  return findLocalData(context, options);
}

function scaleOf(options: DemoOptions, models: readonly Model[], data: LocalData): DemoScale {
  const quick = options.quick === true;
  const { windows, windowS } = methodWindows(quick);
  const images = options.accuracy ?? (quick ? QUICK_ACCURACY_IMAGES : ACCURACY_IMAGES);
  return {
    quick,
    models: models.length,
    precisions: PRECISIONS.length,
    windows: options.windows ?? windows,
    windowS: options.windowS ?? windowS,
    accuracyImages: data.evaluationFile === undefined ? 0 : images,
  };
}

function measureOptions(options: DemoOptions, scale: DemoScale): MeasureOptions {
  const { windows, windowS, accuracy } = options;
  return {
    precisions: PRECISIONS,
    ...(options.quick === undefined ? {} : { quick: options.quick }),
    ...(windows === undefined ? {} : { windows }),
    ...(windowS === undefined ? {} : { windowS }),
    ...(accuracy === undefined || scale.accuracyImages === 0 ? {} : { accuracy }),
    budgetS: windowBudget(totalSeconds(options, scale), scale),
  };
}

/** What the demo may take in all. */
function totalSeconds({ budget }: DemoOptions, scale: DemoScale): number {
  return budget === undefined ? limitSeconds(scale) : budget * 60;
}

/** What a time budget leaves for windows. @throws {UsageError} when that is less than one window per row takes */
function windowBudget(budgetS: number, scale: DemoScale): number {
  const leastS = expectedSeconds({ ...scale, windows: 1 });
  if (leastS <= budgetS) return budgetS - overheadSeconds(scale);
  throw new UsageError(
    `--budget: even one window per row takes ${inMinutes(leastS)}; allow more, choose fewer --models, or use --quick`,
  );
}

function announce(context: Context, scale: DemoScale, models: readonly Model[], data: LocalData, totalS: number): void {
  const expectedS = Math.min(expectedSeconds(scale), totalS);
  // Only the full method takes more windows where figures spread.
  const longer = scale.quick || inMinutes(totalS) === inMinutes(expectedS) ? "" : `, at most ${inMinutes(totalS)}`;
  const what = `${counted(scale.models * scale.precisions, "row")} (${counted(models.length, "model")}, ${PRECISIONS.join(" and ")})`;
  say(
    context,
    `Measuring ${what} takes about ${inMinutes(expectedS)}${longer}; Ctrl-C ends it and leaves nothing running.`,
  );
  if (data.evaluationFile === undefined) {
    say(
      context,
      `Accuracy stays blank: ${CIFAR10.name} is not here (edgewatt datasets fetch ${CIFAR10.name}); int8 models are calibrated on synthetic images.`,
    );
  }
}

async function measureOn(
  context: Context,
  { ready }: Stack,
  work: { models: readonly Model[]; data: LocalData; options: MeasureOptions },
): Promise<Results> {
  return withConnection(context, { data: ready.data, broker: ready.mqtt }, async (connection) => {
    const fleet = await onlineFleet(() => readFleet(connection), ready.device, context.signal);
    const drain = await watchDrain(connection, ready.device);
    const results = await measure(context, connection, {
      ...work,
      devices: [findDevice(fleet, ready.device)],
      hubUrl: fleet.hubUrl,
    });
    const left = await drain.drained(DRAIN_WAIT_MS, context.signal);
    await drain.stop();
    if (left > 0)
      say(
        context,
        `warning: ${counted(left, "batch", "batches")} of telemetry ${plural(left, "is", "are")} not stored yet; the agent sends ${plural(left, "it", "them")} again when it ends`,
      );
    return results;
  });
}

/** The parts announce themselves a moment after they are ready. */
async function onlineFleet(read: () => Promise<Fleet>, device: string, signal: AbortSignal): Promise<Fleet> {
  const deadlineMs = performance.now() + DEVICE_WAIT_MS;
  for (;;) {
    const fleet = await read();
    const found = fleet.devices.find(({ id }) => id === device);
    if (found?.presence === "online" && found.info !== undefined && fleet.hubUrl !== undefined) return fleet;
    if (performance.now() > deadlineMs) {
      throw new UnreachableError(`the agent ${device} or the hub has not announced itself: run \`edgewatt doctor\``, {
        code: "not-announced",
        context: { device },
      });
    }
    await systemClock.sleep(POLL_MS, signal);
  }
}
