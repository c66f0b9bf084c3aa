import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isModelled, POWER_SOURCES, type Channel, type PowerSource } from "@edgewatt/protocol";
import { requireSystem } from "@edgewatt/testing";
import { alertGroups } from "../../src/alerts/groups.ts";
import { defaultAlertSettings } from "../../src/alerts/settings.ts";
import { startPipeline, type Batch, type Pipeline } from "../pipeline.ts";
import { evaluate, type Instance } from "./evaluate.ts";

const influxd = requireSystem("influxd");

/** When the rules are evaluated, amid an interval of two minutes. */
const NOW_MS = 1_795_000_070_000;
const MINUTE_S = 60;

const settings = {
  ...defaultAlertSettings(),
  powerLimits: new Map([
    ["pi-strict", 5],
    ["pi-free", 20],
  ]),
};
const rules = alertGroups(settings).flatMap((group) => group.rules);

/** Moments before `NOW_MS`, a step apart, oldest first. */
function moments(fromS: number, toS: number, stepS: number): Pick<Channel, "t0" | "dt"> {
  const count = Math.floor((fromS - toS) / stepS) + 1;
  return {
    t0: (NOW_MS - fromS * 1000) * 1000,
    dt: Array.from({ length: count }, (_, index) => index * stepS * 1_000_000),
  };
}

function watts(level: number, source: PowerSource, channel = "main"): Batch {
  const at = moments(10 * MINUTE_S, 1, 3);
  return ["power", { [channel]: { ...at, w: at.dt.map(() => level), wMin: level, wMax: level, source } }];
}

/** What the agent says of the machine and of its telemetry, every ten seconds. */
function system(throttled: number, { fromS = 20 * MINUTE_S, toS = 1 }: { fromS?: number; toS?: number } = {}): Batch {
  const at = moments(fromS, toS, 10);
  const machine = { ...at, tempC: 50, cpuPct: 80, throttled: at.dt.map(() => throttled) };
  return ["system", { system: machine, pipeline: { ...at, service: "agent", spoolBatches: 2 } }];
}

function lost(points: number, agoS: number): Batch {
  return ["event", { "gap/power": { ...moments(agoS, agoS, 1), stream: "power", lost: points } }];
}

interface Run {
  readonly mj: number;
  readonly flags?: string;
  readonly source?: PowerSource;
  readonly precision?: string;
}

/** Runs of one model, oldest first, an hour apart; the newest an hour ago. */
function runs(list: readonly Run[]): Batch[] {
  return list.map(({ mj, flags = "", source = "ina219", precision = "int8" }, index) => [
    "summary",
    {
      "run_summary/x": {
        ...moments((list.length - index) * 3600, (list.length - index) * 3600, 1),
        model: "p50",
        precision,
        pruning: "0.5",
        pruningFraction: 0.5,
        energyGrossMj: mj,
        powerSource: source,
        flags,
        run: `job/${index}`,
      },
    },
  ]);
}

const CALM: readonly Batch[] = [watts(4, "ina219"), system(0), ...runs([{ mj: 60 }, { mj: 61 }])];

/** Each device does one thing that a rule is about, or that looks like it and is not. */
const FLEET: Readonly<Record<string, readonly Batch[]>> = {
  "pi-calm": CALM,
  "pi-hot": [watts(15.5, "ina219"), watts(14.5, "ina219", "usb"), system(0)],
  "pi-guess": [watts(16, "estimate"), system(0)],
  "pi-strict": [watts(6, "ina226"), system(0)],
  "pi-free": [watts(16, "ina226"), system(0)],
  "pi-weak": [system(0x1_0001)],
  "pi-was-weak": [system(0x1_0000)],
  "pi-slow": [system(0x4_0004)],
  "pi-was-slow": [system(0xe_0000)],
  "pi-recovered": [system(0x1, { toS: 3 * MINUTE_S + 1 }), system(0, { fromS: 170 })],
  "pi-silent": [system(0, { toS: 5 * MINUTE_S })],
  "pi-new": [system(0, { fromS: 30 })],
  "pi-brief": [system(0, { toS: 100 })],
  "pi-gone": [system(0, { fromS: 7 * 3600, toS: 7 * 3600 - 60 })],
  "pi-lossy": [system(0), lost(12, 3600), lost(5, 1800)],
  "pi-lossy-long-ago": [system(0), lost(12, 7 * 3600)],
  "pi-worse": [system(0), ...runs([{ mj: 60 }, { mj: 75 }])],
  "pi-little-worse": [system(0), ...runs([{ mj: 60 }, { mj: 65 }])],
  "pi-better": [system(0), ...runs([{ mj: 75 }, { mj: 60 }])],
  "pi-first": [system(0), ...runs([{ mj: 75 }])],
  "pi-estimated": [
    system(0),
    ...runs([
      { mj: 60, source: "estimate", flags: "estimate: no meter" },
      { mj: 90, source: "estimate", flags: "estimate: no meter" },
    ]),
  ],
  // The doubtful run in between is no measure: against 60 mJ it is worse, against 100 mJ it would be better.
  "pi-flagged-between": [
    system(0),
    ...runs([{ mj: 60 }, { mj: 100, flags: "lag-unknown: not measured; throttled: 0x4: throttled" }, { mj: 75 }]),
  ],
  "pi-flagged-newest": [system(0), ...runs([{ mj: 60 }, { mj: 75, flags: "quick: 3 windows of 2 s" }])],
  // A word in the detail of a flag is none.
  "pi-harmless-flag": [
    system(0),
    ...runs([{ mj: 60 }, { mj: 75, flags: "accuracy: images without labels: quick: no" }]),
  ],
  "pi-other-meter": [system(0), ...runs([{ mj: 60, source: "rapl" }, { mj: 90 }])],
  "pi-other-precision": [system(0), ...runs([{ mj: 60 }, { mj: 90, precision: "fp32" }])],
};

/** The batches with the device's name where its agent writes it. */
function sentBy(device: string, batches: readonly Batch[]): Batch[] {
  return batches.map(([stream, { pipeline: report, ...others }]) => {
    const named = report === undefined ? {} : { pipeline: Object.assign({ id: device, device }, report) };
    return [stream, Object.assign(others, named)];
  });
}

let pipeline: Pipeline | undefined;

beforeAll(async () => {
  if (influxd.skip) return;
  pipeline = await startPipeline();
  for (const [device, batches] of Object.entries(FLEET)) await pipeline.send(device, sentBy(device, batches));
});

afterAll(async () => pipeline?.[Symbol.asyncDispose]());

async function instances(uid: string, nowMs = NOW_MS): Promise<Instance[]> {
  const rule = rules.find((candidate) => candidate.uid === uid);
  if (rule === undefined || pipeline === undefined) throw new TypeError(`no rule ${uid}`);
  return evaluate(rule, pipeline.url, nowMs);
}

async function alerting(uid: string): Promise<Instance[]> {
  return (await instances(uid)).filter(({ state }) => state === "Alerting");
}

const devicesOf = (list: readonly Instance[]) => list.map(({ labels }) => labels["device"] ?? "").toSorted();

/** Which devices each rule reports; every other device of the fleet is in order by it. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "edgewatt-power-limit": ["pi-guess", "pi-hot"],
  "edgewatt-under-voltage": ["pi-weak"],
  "edgewatt-under-voltage-since-boot": ["pi-was-weak", "pi-weak"],
  "edgewatt-throttled": ["pi-slow"],
  "edgewatt-silent": ["pi-silent"],
  "edgewatt-gap": ["pi-lossy"],
  "edgewatt-energy-ina219": ["pi-flagged-between", "pi-harmless-flag", "pi-worse"],
};

describe.skipIf(influxd.skip)("on an influxd that the pipeline has filled", () => {
  it.each(Object.entries(EXPECTED))("%s reports %j and nobody else", async (uid, devices) => {
    const all = await instances(uid);
    expect(devicesOf(all.filter(({ state }) => state === "Alerting"))).toEqual(devices);
    expect(all.filter(({ state }) => state === "NoData")).toEqual([]);
  });

  it("a device with a limit of its own is judged by that alone", async () => {
    const own = rules.filter(({ uid = "" }) => uid.startsWith("edgewatt-power-limit-"));
    const found = await Promise.all(own.map(async ({ title, uid = "" }) => [title, devicesOf(await alerting(uid))]));
    expect(found).toEqual([
      ["Power over limit of pi-strict", ["pi-strict"]],
      ["Power over limit of pi-free", []],
    ]);
  });

  it("each of the others is a normal state of its own, so that an alert ends", async () => {
    const normal = async (uid: string) => devicesOf((await instances(uid)).filter(({ state }) => state === "Normal"));
    expect(await normal("edgewatt-power-limit")).toEqual(["pi-calm", "pi-hot"]);
    expect(await normal("edgewatt-throttled")).toEqual(expect.arrayContaining(["pi-calm", "pi-was-slow", "pi-weak"]));
    expect(await normal("edgewatt-silent")).toEqual(expect.arrayContaining(["pi-calm", "pi-new", "pi-brief"]));
    expect(await normal("edgewatt-energy-ina219")).toEqual(["pi-better", "pi-calm", "pi-little-worse"]);
  });

  it("silence is found at every moment between once and twice its length", async () => {
    // pi-silent fell silent five minutes before NOW_MS.
    const at = async (silentS: number) =>
      (await instances("edgewatt-silent", NOW_MS + (silentS - 300) * 1000)).find(
        ({ labels }) => labels["device"] === "pi-silent",
      )?.state;
    for (let s = 0; s <= 110; s += 10) expect(await at(s)).toBe("Normal");
    for (let s = 240; s <= 360; s += 10) expect(await at(s)).toBe("Alerting");
  });

  it("a device that has been gone for six hours is forgotten", async () => {
    const all = await instances("edgewatt-silent");
    expect(devicesOf(all)).not.toContain("pi-gone");
  });

  it("the figures that the texts show are right", async () => {
    const hot = (await alerting("edgewatt-power-limit")).find(({ labels }) => labels["device"] === "pi-hot");
    expect(hot).toMatchObject({ labels: { channel: "main", source: "ina219" }, values: { B: 15.5 } });
    const [lossy] = await alerting("edgewatt-gap");
    expect(lossy).toMatchObject({ labels: { stream: "power" }, values: { B: 17 } });
    const worse = (await alerting("edgewatt-energy-ina219")).find(({ labels }) => labels["device"] === "pi-worse");
    expect(worse).toMatchObject({
      labels: { model: "p50", precision: "int8", pruning: "0.5" },
      values: { B: 75, E: 25 },
    });
  });

  it("an estimate has no rule for its energy, and every meter has one", () => {
    const own = POWER_SOURCES.filter((source) => rules.some(({ uid }) => uid === `edgewatt-energy-${source}`));
    expect(own).toEqual(POWER_SOURCES.filter((source) => !isModelled(source)));
  });

  it("every rule has labels for what its texts name", async () => {
    for (const { uid = "", annotations } of rules) {
      const named = [...(annotations?.["summary"] ?? "").matchAll(/\.Labels\.(\w+)/g)].map(([, name = ""]) => name);
      expect(named).toContain("device");
      for (const { labels } of await instances(uid)) expect(Object.keys(labels)).toEqual(expect.arrayContaining(named));
    }
  });

  it("nothing is found where nothing is, and only silence makes much of that", async () => {
    for (const { uid = "", noDataState, execErrState } of rules) {
      expect(await instances(uid, NOW_MS - 365 * 86_400_000)).toEqual([]);
      expect(execErrState).toBe("Error");
      expect(noDataState).toBe(uid === "edgewatt-silent" ? "NoData" : "OK");
    }
  });
});
