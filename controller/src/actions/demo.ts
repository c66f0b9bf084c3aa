import path from "node:path";
import { createInterface } from "node:readline/promises";
import { findModels, type Model, readRegistry } from "@edgewatt/registry";
import { counted } from "@edgewatt/protocol";
import { writeReport } from "@edgewatt/report";
import { findLocalData, type LocalData } from "../client/inputs.ts";
import { accuracyImagesOf, measure, type MeasureOptions, registeredModels } from "../client/measure.ts";
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
import { withPrivateStack } from "../stack/private-stack.ts";
import type { StackFlags } from "../stack/stack.ts";
import { printResults } from "./benchmark.ts";
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

/** The main job on this machine: stack, quantization, twelve measurements, table, report. */
export async function demo(context: Context, options: DemoOptions): Promise<void> {
  const known = await readRegistry(path.resolve(context.cwd, options.data));
  const models =
    options.models === undefined ? known.filter(({ origin }) => origin === "zoo") : findModels(known, options.models);
  const data = await dataFor(context, options);
  const scale = scaleOf(options, models, data);
  const measuring = measureOptions(options, scale);
  announce(context, scale, models, data, totalSeconds(options, scale));

  const { value: results, ready } = await withPrivateStack(context, options, async (stack) => {
    if (options.json !== true) say(context, `Live page: ${stack.ready.hub}`);
    return measure(context, stack.connection, {
      devices: [stack.device],
      hubUrl: stack.hubUrl,
      models: registeredModels(models),
      data,
      options: measuring,
    });
  });
  const report = path.resolve(context.cwd, options.report);
  // Shown first: a folder that cannot be written must not cost what took long to measure.
  if (options.json === true) printJson(context, { ...results, report });
  else printResults(context, results);
  await writeReport(report, results);
  if (options.json === true) return;
  say(context, `Report: ${path.join(report, "report.md")}`);
  say(
    context,
    ready.influx === null
      ? `Telemetry: line-protocol files in ${path.join(ready.data, "telemetry")}, as no influxd is on the PATH`
      : `Telemetry: InfluxDB in ${path.join(ready.data, "influx")}; \`npm start\` serves it again, with the live page`,
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
  return {
    quick,
    models: models.length,
    precisions: PRECISIONS.length,
    windows: options.windows ?? windows,
    windowS: options.windowS ?? windowS,
    accuracyImages: data.evaluationFile === undefined ? 0 : accuracyImagesOf(options),
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
