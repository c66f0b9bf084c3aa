import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Channel, Stream } from "@edgewatt/protocol";
import {
  eventually,
  queryInflux,
  requireSystem,
  spawnService,
  startBroker,
  startInfluxd,
  tempDir,
  VirtualDevice,
} from "@edgewatt/testing";
import { expand, loadDashboards, panelsOf, targetsOf, type Scope } from "./grafana.ts";

const INGEST = new URL("../../ingest/bin/edgewatt-ingest.js", import.meta.url);
const influxd = requireSystem("influxd");

const T0_US = 1_795_000_000_000_000;
const STEP_US = 100_000;
const DT = Array.from({ length: 50 }, (_, i) => i * STEP_US);
const JOB = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const OLDER_JOB = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
const ODD_MODEL = "0.5x net+(a)/b[c]";
const DEVICES = ["pi-1", "pi-10", "3b-pi"];

const dashboards = loadDashboards();
const undo: (() => Promise<unknown>)[] = [];
let url = "";

/** A row of the results table as the agent sends it. */
function summary(model: string, precision: string, index: number, atUs: number): Channel {
  return {
    t0: atUs,
    dt: [0],
    model,
    precision,
    pruning: "0.5",
    pruningFraction: 0.5,
    fineTuneEpochs: 4,
    params: 1_588_917,
    fileSizeMb: 6.4,
    maxMemoryMb: 80,
    memoryBaselineMb: 50,
    memoryModelMb: 30,
    latencyMs: 12.5 + index,
    latencyP50Ms: 12,
    latencyP95Ms: 14,
    latencyP99Ms: 15,
    latencyHalfWidthMs: 0.1,
    imageMs: 12.6,
    maxPowerW: 6,
    maxPower10msW: 5.6,
    meanPowerW: 5,
    idlePowerW: 2,
    energyGrossMj: 63,
    energyGrossHalfWidthMj: 1,
    energyGrossRepetitionMj: 0.6,
    energyGrossMeterMj: 0.8,
    energyNetMj: 37,
    energyNetHalfWidthMj: 1,
    energyNetRepetitionMj: 0.8,
    energyNetMeterMj: 0.6,
    accuracyPct: 91.2,
    powerSource: index < 2 ? "estimate" : "ina219",
    flags: "quick",
    run: `${JOB}/${index}`,
  };
}

/** What an agent sends during a job, by stream. */
function telemetry(): [Stream, Record<string, Channel>][] {
  const at = { t0: T0_US, dt: DT };
  const endMs = (T0_US + (DT.at(-1) ?? 0)) / 1000;
  const rows = ["mobilenet", ODD_MODEL].flatMap((model) => ["fp32", "int8"].map((precision) => ({ model, precision })));
  const summaries = rows.map(({ model, precision }, index) => [
    `run_summary/${model}/${precision}`,
    summary(model, precision, index, T0_US + index),
  ]);
  return [
    ["power", { main: { ...at, w: DT.map(() => 4), wMin: 3, wMax: 5, source: "estimate", run: `${JOB}/0` } }],
    ["system", { system: { ...at, tempC: 50, cpuPct: 80, throttled: DT.map((_, i) => (i > 25 ? 4 : 0)) } }],
    [
      "event",
      {
        run_event: {
          t0: T0_US,
          dt: [0],
          kind: "run",
          title: "mobilenet fp32",
          text: "block 1",
          tags: "run,fp32",
          timeEnd: endMs,
          run: `${JOB}/0`,
        },
      },
    ],
    [
      "summary",
      { "run_summary/older": { ...summary("mobilenet", "fp32", 0, T0_US - 1), latencyMs: 99, run: `${OLDER_JOB}/0` } },
    ],
    ["summary", Object.fromEntries(summaries) as Record<string, Channel>],
  ];
}

beforeAll(async () => {
  if (influxd.skip) return;
  const influx = await startInfluxd();
  const broker = await startBroker();
  const dir = await tempDir();
  const ingest = await spawnService(INGEST, [
    "--broker",
    broker.url,
    "--influx",
    influx.url,
    "--data",
    dir.path,
    "--log-level",
    "warn",
  ]);
  undo.push(
    async () => dir[Symbol.asyncDispose](),
    () => influx.stop(),
    () => broker.stop(),
    () => ingest.stop(),
  );
  url = influx.url;
  for (const id of DEVICES) {
    const device = await VirtualDevice.connect(broker.url, id);
    undo.push(() => device.connection.close());
    for (const [seq, [stream, channels]] of telemetry().entries()) await device.send(stream, seq, channels);
    await eventually(() => assert.equal(device.acked.size, telemetry().length));
  }
  assert.equal(ingest.stderr(), "");
}, 60_000);

afterAll(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const range = { fromMs: T0_US / 1000 - 60_000, toMs: T0_US / 1000 + 60_000, interval: "100ms" };
const all = Object.fromEntries(["device", "model", "precision", "run"].map((name) => [name, "$__all" as const]));

interface Case {
  readonly title: string;
  readonly scope: Scope;
  readonly devices: readonly string[];
}

const CASES: readonly Case[] = [
  { title: "All", scope: { ...range, variables: all }, devices: DEVICES },
  {
    title: "one device whose name begins another's",
    scope: { ...range, variables: { ...all, device: ["pi-1"] } },
    devices: ["pi-1"],
  },
  {
    title: "several devices, and names with the characters of regular expressions",
    scope: {
      ...range,
      variables: {
        device: ["pi-10", "3b-pi"],
        model: [ODD_MODEL, "mobilenet"],
        precision: ["fp32", "int8"],
        run: [JOB],
      },
    },
    devices: ["pi-10", "3b-pi"],
  },
];

describe.skipIf(influxd.skip)("on an influxd that the pipeline has filled", () => {
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

  describe.each(CASES)("with $title chosen", ({ scope, devices }) => {
    it.each(targets)("$name finds every chosen device", async ({ dashboard, target }) => {
      const rows = await queryInflux(url, expand(dashboard, target.query, scope), { epoch: "ms" });
      expect(new Set(rows.map((row) => row["device"]))).toEqual(new Set(devices));
      for (const row of rows) expect(Object.values(row).some((value) => typeof value === "number")).toBe(true);
    });
  });

  it.each(targets.filter(({ target }) => target.alias !== undefined))(
    "$name has the tags of its legend",
    async ({ dashboard, target }) => {
      const [row] = await queryInflux(url, expand(dashboard, target.query, { ...range, variables: all }));
      for (const [, tag = ""] of (target.alias ?? "").matchAll(/\$tag_(\w+)/g))
        expect(row).toHaveProperty(tag, expect.stringMatching(/./));
    },
  );

  it.each(targets.filter(({ panel }) => panel.type === "table" || panel.type === "xychart"))(
    "$name has the columns that its panel refers to",
    async ({ dashboard, panel, target }) => {
      const rows = await queryInflux(url, expand(dashboard, target.query, { ...range, variables: all }));
      const columns = new Set(rows.flatMap((row) => Object.keys(row)));
      const overrides = (panel.fieldConfig?.overrides ?? []).map(({ matcher }) => matcher.options as string);
      expect([...columns]).toEqual(expect.arrayContaining(overrides));
      if (panel.type === "table") {
        const [organize] = panel.transformations ?? [];
        assert(organize);
        const { indexByName, excludeByName } = organize.options as Record<string, Record<string, unknown>>;
        const shown = Object.keys(indexByName ?? {});
        expect([...columns].filter((name) => name !== "time").toSorted()).toEqual(
          [...shown, ...Object.keys(excludeByName ?? {}).filter((name) => name !== "Time")].toSorted(),
        );
        expect(rows[0]).toMatchObject({
          latency_ms: expect.any(Number),
          accuracy_pct: 91.2,
          flags: "quick",
          run: expect.stringContaining(JOB),
        });
      } else {
        const { series } = panel.options as {
          series: {
            name: { fixed: string };
            x: { matcher: { options: string } };
            y: { matcher: { options: string } };
          }[];
        };
        const own = series.filter(({ y }) => columns.has(y.matcher.options));
        expect(own).toHaveLength(1);
        expect(columns).toContain(own[0]?.x.matcher.options);
      }
    },
  );

  it("the results table holds the newest run of a row, whole", async () => {
    const table = targets.find(({ panel }) => panel.type === "table");
    assert(table);
    const rows = await queryInflux(url, expand(table.dashboard, table.target.query, { ...range, variables: all }));
    expect(rows).toHaveLength(4 * DEVICES.length);
    expect(new Set(rows.map(({ run, latency_ms: latency }) => `${run} ${latency}`))).toEqual(
      new Set([0, 1, 2, 3].map((index) => `${JOB}/${index} ${12.5 + index}`)),
    );
  });

  it("the figures of the live dashboard are right", async () => {
    const live = dashboards.find(({ uid }) => uid === "edgewatt-live-power");
    assert(live);
    const scope = { ...range, variables: { device: ["pi-1"] } };
    const figures: unknown[] = [];
    for (const panel of panelsOf(live).filter(({ type }) => type === "stat")) {
      const [target] = targetsOf(panel);
      const [row] = await queryInflux(url, expand(live, target?.query ?? "", scope));
      figures.push(row?.["last"] ?? row?.["mean"] ?? row?.["max"] ?? row?.["integral"]);
    }
    // 4 W over the 4.9 s between the first and the last of fifty points.
    expect(figures).toEqual([4, 4, 5, expect.closeTo(19.6, 6)]);
  });

  it.each(
    dashboards.flatMap((dashboard) =>
      (dashboard.templating?.list ?? [])
        .filter(({ type }) => (type as string) === "query")
        .map((variable) => ({ name: `${dashboard.title} / ${variable.name}`, dashboard, variable })),
    ),
  )("variable $name lists what is there", async ({ dashboard, variable }) => {
    const rows = await queryInflux(url, expand(dashboard, variable.query as string, { ...range, variables: all }));
    const found = rows.map((row) => String(row["value"] ?? row["distinct"]));
    const pattern = variable.regex ? new RegExp(variable.regex.slice(1, -1)) : /^(.*)$/;
    const options = new Set(found.map((value) => pattern.exec(value)?.[1]));
    const expected: Record<string, string[]> = {
      device: DEVICES,
      model: ["mobilenet", ODD_MODEL],
      precision: ["fp32", "int8"],
      run: [JOB, OLDER_JOB],
    };
    expect(options).toEqual(new Set(expected[variable.name]));
  });

  it("the annotation is the window of the run", async () => {
    const live = dashboards.find(({ uid }) => uid === "edgewatt-live-power");
    const [annotation] = live?.annotations?.list ?? [];
    assert(live && annotation);
    const target = annotation.target as unknown as Record<string, string>;
    const scope = { ...range, variables: { device: ["pi-1"] } };
    const rows = await queryInflux(url, expand(live, target["query"] ?? "", scope), { epoch: "ms" });
    const read = (column: string) => rows[0]?.[target[column] ?? ""];
    expect(rows).toHaveLength(1);
    expect([
      rows[0]?.["time"],
      read("timeEndColumn"),
      read("titleColumn"),
      read("textColumn"),
      read("tagsColumn"),
    ]).toEqual([T0_US / 1000, T0_US / 1000 + 4900, "mobilenet fp32", "block 1", "run,fp32"]);
  });
});
