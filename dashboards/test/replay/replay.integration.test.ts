import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { queryInflux, requireSystem } from "@edgewatt/testing";
import {
  askVariable,
  expandQuery,
  grafanaIntervalMs,
  openingChoices,
  type GrafanaRange,
  type GrafanaScope,
} from "@edgewatt/testing/grafana";
import { annotationsOf, loadDashboards, panelsOf, targetsOf, variablesOf } from "../grafana.ts";
import { readQuery } from "../lint/influx-columns.ts";
import { fillDatabase, type FilledDatabase } from "./filled-database.ts";
import { DEVICES, JOB, JOULES, MODEL, ODD_MODEL, OLDER_JOB, PRECISIONS, SPAN_US, THROTTLED } from "./telemetry.ts";

const influxd = requireSystem("influxd");
const dashboards = loadDashboards();
const WIDTH_PX = 1000;
const RANGE_MS = 600_000;
const DAY_MS = 86_400_000;

let database: FilledDatabase | undefined;
/** What each dashboard opens with. */
const opening = new Map<string, GrafanaScope["variables"]>();

function filled(): FilledDatabase {
  assert(database);
  return database;
}

function range(): GrafanaRange {
  const { endMs } = filled();
  return { fromMs: endMs - RANGE_MS, toMs: endMs };
}

beforeAll(async () => {
  if (influxd.skip) return;
  database = await fillDatabase();
  for (const dashboard of dashboards) {
    opening.set(dashboard.uid, await openingChoices(database.url, dashboard, range()));
  }
});

afterAll(async () => database?.[Symbol.asyncDispose]());

const targets = dashboards.flatMap((dashboard) =>
  panelsOf(dashboard).flatMap((panel) =>
    targetsOf(panel).map((target) => ({
      name: `${dashboard.title} / ${panel.title} / ${target.refId}`,
      dashboard,
      panel,
      target,
    })),
  ),
);
type Case = (typeof targets)[number];

/** The answer to a query of a panel as Grafana would ask it. */
async function ask({ dashboard, panel, target }: Case, chosen: GrafanaScope["variables"] = {}, view = range()) {
  const intervalMs = grafanaIntervalMs(view.toMs - view.fromMs, panel.maxDataPoints ?? WIDTH_PX, panel.interval);
  const variables = { ...opening.get(dashboard.uid), ...chosen };
  const query = expandQuery(dashboard, target.query, { ...view, variables, intervalMs });
  return queryInflux(filled().url, query, { epoch: "ms" });
}

interface Selection {
  readonly title: string;
  readonly chosen: GrafanaScope["variables"];
  readonly devices: readonly string[];
}

/** What people choose at the top; a dashboard takes of it what it has. */
const SELECTIONS: readonly Selection[] = [
  { title: "what it opens with", chosen: {}, devices: DEVICES },
  { title: "a device whose name begins another's", chosen: { device: ["pi-1"] }, devices: ["pi-1"] },
  // As an address such as ?var-device=3b-pi gives it: no list, and parseFloat makes a number of it.
  { title: "a device whose name begins like a number", chosen: { device: "3b-pi" }, devices: ["3b-pi"] },
  {
    title: "several devices, and names with the characters of regular expressions",
    chosen: {
      device: ["pi-10", "3b-pi"],
      model: [ODD_MODEL, MODEL],
      precision: [...PRECISIONS],
      pruning: ["0.5"],
      run: [JOB],
    },
    devices: ["pi-10", "3b-pi"],
  },
  { title: "a pruning that is a number", chosen: { pruning: "0.5" }, devices: DEVICES },
  { title: "means over minutes", chosen: { resolution: "minutes" }, devices: DEVICES },
  { title: "means over seconds", chosen: { resolution: "seconds" }, devices: DEVICES },
];

describe.skipIf(influxd.skip)("on an influxd that the pipeline has filled", () => {
  describe.each(SELECTIONS)("with $title", ({ chosen, devices }) => {
    it.each(targets)("$name finds what is there", async (one) => {
      const rows = await ask(one, chosen);
      expect(rows).not.toEqual([]);
      // Services have no device, and what a figure is made of need not be told apart by device.
      const found = rows.filter((row) => row["service"] !== "ingest").map((row) => row["device"] ?? row["id"]);
      if (!one.target.query.includes("$device") || found.includes(undefined)) return;
      expect(new Set(found)).toEqual(new Set(devices));
    });
  });

  it.each(targets)("$name gives the columns that the linter counts on", async (one) => {
    const rows = await ask(one);
    const { columns, tags } = readQuery(one.target.query);
    const expected = new Set(["time", ...tags, ...columns]);
    for (const row of rows) expect(new Set(Object.keys(row))).toEqual(expected);
    for (const column of columns) {
      assert(column !== undefined);
      expect
        .soft(
          rows.some((row) => row[column] !== null),
          column,
        )
        .toBe(true);
    }
  });

  it.each(
    dashboards.flatMap((dashboard) =>
      variablesOf(dashboard)
        .filter(({ type }) => type === "query")
        .map(({ name }) => ({ title: `${dashboard.title} / ${name}`, dashboard, name })),
    ),
  )("variable $title lists what is there", async ({ dashboard, name }) => {
    const variables = opening.get(dashboard.uid) ?? {};
    const options = await askVariable(filled().url, { dashboard, name }, { ...range(), variables });
    const expected: Record<string, readonly string[]> = {
      device: DEVICES,
      model: [MODEL, ODD_MODEL],
      precision: PRECISIONS,
      pruning: ["0.5"],
      run: [JOB, OLDER_JOB],
      resolution: ["autogen", "seconds", "minutes"],
    };
    expect(new Set(options)).toEqual(new Set(expected[name]));
  });

  it("a run of which only means are left can be chosen with them", async () => {
    const { url, t0Ms } = filled();
    const older = "01AAAAAAAAAAAAAAAAAAAAAAAA";
    const line = `run_summary,device=pi-1,model=${MODEL},precision=fp32,pruning=0.5 latency_ms=1,run="${older}/0" ${t0Ms - 20 * DAY_MS}`;
    const written = await fetch(`${url}/write?db=edgewatt&rp=seconds&precision=ms`, { method: "POST", body: line });
    expect(written.status).toBe(204);
    for (const dashboard of dashboards.filter((one) => variablesOf(one).some(({ name }) => name === "run"))) {
      const options = (resolution: string) =>
        askVariable(url, { dashboard, name: "run" }, { ...range(), variables: { resolution } });
      expect(await options("seconds")).toEqual(expect.arrayContaining([older, JOB]));
      expect(await options("autogen")).not.toContain(older);
    }
  });

  describe.each(
    dashboards.flatMap((dashboard) =>
      annotationsOf(dashboard).map((annotation) => ({
        title: `${dashboard.title} / ${annotation.name}`,
        dashboard,
        annotation,
      })),
    ),
  )("annotation $title", ({ dashboard, annotation: { target } }) => {
    const regions = async (fromMs: number, toMs: number) => {
      const variables = { ...opening.get(dashboard.uid), device: ["pi-1"] };
      const query = expandQuery(dashboard, target.query, { fromMs, toMs, variables, intervalMs: 1000 });
      const rows = await queryInflux(filled().url, query, { epoch: "ms" });
      const columns = ["time", target.timeEndColumn, target.titleColumn, target.textColumn, target.tagsColumn];
      return rows.map((row) => columns.map((column) => row[column]));
    };
    const window = () => {
      const { t0Ms } = filled();
      return [t0Ms, t0Ms + SPAN_US / 1000, `${MODEL} fp32`, "window 1: 50 inferences", "window,fp32"];
    };

    it("is the window of the run", async () => {
      const { fromMs, toMs } = range();
      expect(await regions(fromMs, toMs)).toEqual([window()]);
    });

    it("shows a run that began before the view and reaches into it", async () => {
      const { t0Ms } = filled();
      expect(await regions(t0Ms + 2000, t0Ms + 3000)).toEqual([window()]);
    });

    it("does not show a run that ended before the view, nor one that begins after it", async () => {
      const { t0Ms } = filled();
      expect(await regions(t0Ms + SPAN_US / 1000 + 1, t0Ms + 60_000)).toEqual([]);
      expect(await regions(t0Ms - 60_000, t0Ms - 1)).toEqual([]);
    });
  });

  /** The rows of the first query of a panel for one device. */
  const rowsOf = async (uid: string, title: string, refId = "A", view = range()) => {
    const one = targets.find((t) => t.dashboard.uid === uid && t.panel.title === title && t.target.refId === refId);
    assert(one, `${uid} has no panel ${title} with query ${refId}`);
    return ask(one, { device: ["pi-1"] }, view);
  };

  it("the figures of Live power are right", async () => {
    const figure = async (title: string, column: string) =>
      (await rowsOf("edgewatt-live-power", title)).map((row) => [row["channel"], row["source"], row[column]]);
    const both = (value: unknown) => [
      ["board", "estimate", value],
      ["main", "ina226", value],
    ];
    expect(new Set(await figure("Now", "last"))).toEqual(new Set(both(4)));
    expect(new Set(await figure("Mean in view", "mean"))).toEqual(new Set(both(4)));
    expect(new Set(await figure("Peak in view", "max"))).toEqual(new Set(both(5)));
    expect(new Set(await figure("Energy in view", "integral"))).toEqual(new Set(both(expect.closeTo(JOULES, 6))));
  });

  it("Live power shows no power of now of a device that has been silent", async () => {
    const { fromMs, toMs } = range();
    const later = { fromMs, toMs: toMs + 60_000 };
    expect(await rowsOf("edgewatt-live-power", "Now", "A", later)).toEqual([]);
    expect(await rowsOf("edgewatt-live-power", "Mean in view", "A", later)).not.toEqual([]);
  });

  it("Live power tells throttling of now from that since boot", async () => {
    const rows = await rowsOf("edgewatt-live-power", "Throttling");
    const events = new Set(rows.map((row) => `${row["now"]} ${row["since boot"]}`));
    expect(events).toContain(`${THROTTLED & 0xf} ${THROTTLED >> 16}`);
  });

  it("a row of Fleet is the device as it is", async () => {
    const [state] = await rowsOf("edgewatt-fleet", "Devices", "A");
    const [heard] = await rowsOf("edgewatt-fleet", "Devices", "B");
    const [watts] = await rowsOf("edgewatt-fleet", "Devices", "C");
    const [machine] = await rowsOf("edgewatt-fleet", "Devices", "D");
    // The time of the newest point, not that of the range.
    expect(state).toEqual({
      time: filled().t0Ms + SPAN_US / 1000,
      device: "pi-1",
      state: "measuring",
      job: JOB,
      job_state: "running",
      sync: true,
    });
    expect(heard).toMatchObject({ heard: 50 });
    expect(watts).toMatchObject({ watts: 4 });
    expect(machine).toMatchObject({ temp_c: 50, now: 0, "since boot": 0 });
  });

  it("a device that has been silent is still a row of Fleet, with its last state and no telemetry", async () => {
    const { fromMs, toMs } = range();
    const later = { fromMs, toMs: toMs + 60_000 };
    expect(await rowsOf("edgewatt-fleet", "Devices", "A", later)).toMatchObject([
      { device: "pi-1", state: "measuring" },
    ]);
    expect(await rowsOf("edgewatt-fleet", "Devices", "B", later)).toMatchObject([{ device: "pi-1", heard: null }]);
    expect(await rowsOf("edgewatt-fleet", "Devices", "C", later)).toEqual([]);
  });

  it("Fleet has the energy of a minute and the points that were lost", async () => {
    const energy = await rowsOf("edgewatt-fleet", "Energy per minute");
    expect(new Set(energy.map((row) => row["joules_per_minute"]))).toEqual(new Set([4 * 60]));
    const lost = await rowsOf("edgewatt-fleet", "Points lost");
    expect(lost.map((row) => [row["stream"], row["sum"]])).toEqual([["power", 7]]);
  });

  it("Pipeline health has rates per second, and a report of each agent and service", async () => {
    const view = range();
    const one = targets.find(
      ({ dashboard, panel }) => dashboard.uid === "edgewatt-pipeline-health" && panel.title === "Points taken",
    );
    assert(one);
    const intervalS =
      grafanaIntervalMs(view.toMs - view.fromMs, one.panel.maxDataPoints ?? WIDTH_PX, one.panel.interval) / 1000;
    const rates = await ask(one, { device: ["pi-1"] }, view);
    expect(rates.map((row) => row["per_second"])).toEqual([100 / intervalS]);
    const reports = await rowsOf("edgewatt-pipeline-health", "Newest reports");
    expect(new Set(reports.map((row) => `${row["service"]} ${row["device"]}`))).toEqual(
      new Set(["agent pi-1", "ingest "]),
    );
    expect(reports.find((row) => row["service"] === "agent")).toMatchObject({
      spool_batches: 2,
      dropped: 3,
      points: 100,
    });
  });
});
