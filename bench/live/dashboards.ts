import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseClient, DEFAULT_RETENTION, DOWNSAMPLED, recompute, setUpRetention } from "@edgewatt/database";
import { findCommand, runCommand, startInfluxd, tempDir } from "@edgewatt/testing";
import {
  askVariable,
  expandQuery,
  grafanaIntervalMs,
  grafanaMs,
  openingChoices,
  type GrafanaDashboard,
  type GrafanaRange,
  type GrafanaScope,
} from "@edgewatt/testing/grafana";
import { BenchError } from "../errors.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "../telemetry/cleanup.ts";
import { fleetHour } from "./fleet-hour.ts";

const DASHBOARDS = new URL("../../../dashboards/bin/edgewatt-dashboards.js", import.meta.url);
const LIMIT_MS = 200;
const DEVICES = 100;
const HOUR_S = 3600;
const HOUR_MS = HOUR_S * 1000;
const WIDTH_PX = 1000;
const TIMES = 7;
/** What no limit is promised for may take many seconds. */
const UNPROMISED_TIMES = 1;
const LINES_PER_WRITE = 10_000;

/** A dashboard by the name of its file. */
interface Named {
  readonly file: string;
  readonly dashboard: GrafanaDashboard;
}

/** Stands for the newest run of what else is chosen. */
const NEWEST = "$newest";

/** A way in which a dashboard is looked at. */
interface View {
  readonly name: string;
  readonly rangeMs: number;
  readonly chosen: GrafanaScope["variables"];
  /** Whether the limit is promised for it. */
  readonly isPromised: boolean;
}

interface Timing {
  readonly title: string;
  readonly ms: number;
}

/**
 * How long InfluxDB takes for the slowest query of each dashboard, all of a hundred devices chosen, of which it has an hour: over the range
 * that the dashboard opens with, and over the hour.
 */
export const dashboards: Suite = { run: measure };

/** These read what was measured, every value: they are for minutes of a fleet, hours of a device or one run. */
const AS_MEASURED = new Set(["live-power", "run"]);
const MEASURING_DEVICE = "pi-10";

function viewsOf({ file, dashboard: { time, templating } }: Named): View[] {
  const opens = { name: "opens", rangeMs: grafanaMs(time.from), chosen: {}, isPromised: true };
  const hour = { name: "hour", rangeMs: HOUR_MS, chosen: {}, isPromised: true };
  const has = (wanted: string): boolean => templating.list.some(({ name }) => name === wanted);
  if (AS_MEASURED.has(file)) {
    const one = { device: [MEASURING_DEVICE], ...(has("run") ? { run: NEWEST } : {}) };
    const hourOfOne = { ...hour, name: has("run") ? "hour-of-a-run" : "hour-of-a-device", chosen: one };
    return [{ ...opens, isPromised: !has("run") }, hourOfOne, { ...hour, isPromised: false }];
  }
  const views = opens.rangeMs === hour.rangeMs ? [hour] : [opens, hour];
  if (!has("resolution")) return views;
  return [...views, { ...hour, name: "hour-as-measured", chosen: { resolution: "autogen" }, isPromised: false }];
}

async function* measure({ say, signal, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  await using cleanup = new Cleanup();
  const folder = cleanup.add(await tempDir(), (dir) => dir[Symbol.asyncDispose]()).path;
  const all = await generated(folder);
  const asked = all.flatMap((named) =>
    viewsOf(named).map((view) => ({
      name: `live/dashboards/${named.file}/${view.name}`,
      dashboard: named.dashboard,
      view,
    })),
  );
  if (findCommand("influxd") === undefined) {
    const note = "influxd is not installed: run scripts/system-packages.sh";
    yield* asked.filter(({ name }) => wanted(name)).map(({ name }) => unmeasured(name, "ms", note));
    return;
  }
  const { url } = cleanup.add(await startInfluxd(), (influxd) => influxd.stop());
  const endMs = await fill(url, say, signal);
  for (const { name, dashboard, view } of asked) {
    if (!wanted(name)) continue;
    signal.throwIfAborted();
    yield resultOf(name, view, await timings(url, dashboard, view, endMs));
  }
}

function timesOf({ isPromised }: View): number {
  return isPromised ? TIMES : UNPROMISED_TIMES;
}

function resultOf(name: string, view: View, found: readonly Timing[]): BenchResult {
  const [slowest, ...others] = found.toSorted((a, b) => b.ms - a.ms);
  const text = ({ title, ms }: Timing): string => `${title} ${Math.round(ms)} ms`;
  const next = others.slice(0, 2).map(text).join(", ");
  const note = `${slowest?.title}, median of ${timesOf(view)}; then ${next}${view.isPromised ? "" : "; no limit is promised for it"}`;
  return compare(
    { name, value: slowest?.ms ?? Number.NaN, unit: "ms", peer: "limit", peerValue: LIMIT_MS, note },
    view.isPromised ? { comparison: "<=", ratio: 1 } : null,
  );
}

async function generated(folder: string): Promise<Named[]> {
  const { code, stderr } = await runCommand(DASHBOARDS, ["build", "--out", folder]);
  if (code !== 0) throw new BenchError(`dashboards build failed: ${stderr}`, { code: "no-dashboards" });
  const dir = path.join(folder, "dashboards");
  const files = (await readdir(dir)).toSorted();
  return Promise.all(
    files.map(async (file) => ({
      file: path.basename(file, ".json"),
      dashboard: JSON.parse(await readFile(path.join(dir, file), "utf8")) as GrafanaDashboard,
    })),
  );
}

/** An hour of the fleet with its means; resolves with its end, ms since the epoch. */
async function fill(url: string, say: BenchContext["say"], signal: AbortSignal): Promise<number> {
  const client = new DatabaseClient({ url, signal });
  await setUpRetention(client, DEFAULT_RETENTION);
  const fromS = Math.floor(Date.now() / 60_000) * 60 - HOUR_S;
  let lines: string[] = [];
  let written = 0;
  const write = async (): Promise<void> => {
    const refusal = await client.write(lines.join("\n"), { precision: "u" });
    if (refusal !== undefined)
      throw new BenchError(`InfluxDB refuses the fleet: ${refusal.message}`, { code: "refused" });
    written += lines.length;
    lines = [];
    if (written % 1_000_000 === 0) say(`  ${written / 1e6} million points written`);
  };
  for (const line of fleetHour({ devices: DEVICES, fromUs: fromS * 1e6, seconds: HOUR_S })) {
    if (lines.push(line) === LINES_PER_WRITE) await write();
  }
  await write();
  say("  computing the means");
  for (const measurement of DOWNSAMPLED) {
    await recompute(client, { rawPolicy: "autogen", measurement, stretch: { fromS, toS: fromS + HOUR_S } });
  }
  return (fromS + HOUR_S) * 1000;
}

/** The median time of each query of panels, annotations and variables. */
async function timings(url: string, dashboard: GrafanaDashboard, view: View, toMs: number): Promise<Timing[]> {
  const { rangeMs, chosen } = view;
  const range = { fromMs: toMs - rangeMs, toMs };
  const variables: Record<string, string | readonly string[]> = {
    ...(await openingChoices(url, dashboard, range)),
    ...chosen,
  };
  if (variables["run"] === NEWEST) {
    const runs = await askVariable(url, { dashboard, name: "run" }, { ...range, variables });
    // Jobs sort by the time of their beginning.
    variables["run"] = runs.toSorted((a, b) => (a < b ? -1 : 1)).slice(-1);
  }
  const found: Timing[] = [];
  for (const { title, query, intervalMs } of queriesOf(dashboard, range)) {
    found.push({
      title,
      ms: await medianMs(url, expandQuery(dashboard, query, { ...range, variables, intervalMs }), timesOf(view)),
    });
  }
  return found;
}

function queriesOf(
  { panels, templating, annotations }: GrafanaDashboard,
  { fromMs, toMs }: GrafanaRange,
): { title: string; query: string; intervalMs: number }[] {
  const intervalOf = (values = WIDTH_PX, lowest?: string): number => grafanaIntervalMs(toMs - fromMs, values, lowest);
  return [
    ...panels.flatMap(({ title, targets = [], maxDataPoints, interval }) =>
      targets.map(({ query, refId }) => ({
        title: `${title} ${refId}`,
        query,
        intervalMs: intervalOf(maxDataPoints, interval),
      })),
    ),
    ...templating.list
      .filter(({ type }) => type === "query")
      .map(({ name, query }) => ({ title: `variable ${name}`, query, intervalMs: intervalOf() })),
    ...(annotations?.list ?? []).map(({ name, target }) => ({
      title: `annotation ${name}`,
      query: target.query,
      intervalMs: intervalOf(),
    })),
  ];
}

async function medianMs(url: string, q: string, count: number): Promise<number> {
  const times: number[] = [];
  // The first finds the caches of the database cold, which a dashboard that is open does not.
  for (let n = 0; n <= count; n++) {
    const started = performance.now();
    const response = await fetch(`${url}/query`, {
      method: "POST",
      body: new URLSearchParams({ db: "edgewatt", q, epoch: "ms" }),
    });
    const text = await response.text();
    if (n > 0) times.push(performance.now() - started);
    if (text.includes('"error":')) throw new BenchError(`InfluxDB refuses ${q}: ${text}`, { code: "query" });
  }
  return times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? Number.NaN;
}
