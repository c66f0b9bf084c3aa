import { encodeMessage, formatTopic, type Channel } from "@edgewatt/protocol";
import { eventually, figure, scrape } from "@edgewatt/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RecentPowerAnswer } from "../src/page/fleet/recent-power.ts";
import { startStack, type Stack } from "./stack.ts";

let stack: Stack;
let seq = 0;
beforeAll(async () => {
  stack = await startStack({ args: ["--metrics-port", "0"] });
});
afterAll(async () => stack[Symbol.asyncDispose]());

async function send(device: string, stream: "power" | "event", ch: Record<string, Channel>): Promise<void> {
  const payload = encodeMessage("telemetry", { v: 1, boot: 1, seq: seq++, sync: true, ch });
  await stack.connection.publish(formatTopic({ kind: "telemetry", device, stream }), payload, { qos: 1 });
}

const rows = (fromMs: number, w: number[]): Channel => ({
  t0: fromMs * 1000,
  dt: w.map((_, index) => index * 100_000),
  w,
  wMin: w.map((watts) => watts - 0.5),
  wMax: w.map((watts) => watts + 1.25),
  source: "ina226",
});

async function recent(minutes = 10): Promise<RecentPowerAnswer> {
  const response = await fetch(`${stack.url}/api/power?minutes=${minutes}`);
  expect(response.status).toBe(200);
  return (await response.json()) as RecentPowerAnswer;
}

const valuesOf = (answer: RecentPowerAnswer, device: string) =>
  (answer.series.find((series) => series.device === device)?.mw ?? []).filter((mw) => mw !== null);

test("what telemetry told of the last minutes is told again in means, and with the extremes", async () => {
  expect(await recent()).toEqual({ stepMs: 500, series: [], windows: [] });
  const fromMs = Math.floor(Date.now() / 500) * 500 - 60_000;
  await send("pi-1", "power", { main: rows(fromMs, [1, 2, 3, 4, 5, 7, 7, 7, 7, 7]) });
  await eventually(async () => expect(valuesOf(await recent(), "pi-1")).toEqual([3000, 7000]));
  const [series] = (await recent()).series;
  expect(series).toMatchObject({ device: "pi-1", channel: "main", source: "ina226" });
  expect(series?.mwBelow.filter((mw) => mw !== null)).toEqual([2500, 500]);
  // To two digits, since a pixel is wider.
  expect(series?.mwAbove.filter((mw) => mw !== null)).toEqual([3300, 1300]);
  const at = series?.mw.findIndex((mw) => mw !== null) ?? -1;
  expect((series?.fromMs ?? 0) + at * 500).toBe(fromMs);
  // The same batch again, and one that is late.
  await send("pi-1", "power", { main: rows(fromMs, [1, 2, 3, 4, 5, 7, 7, 7, 7, 7]) });
  await send("pi-1", "power", { main: rows(fromMs - 30_000, [9, 9, 9, 9, 9]) });
  await eventually(async () => expect(valuesOf(await recent(), "pi-1")).toEqual([9000, 3000, 7000]));
  expect(valuesOf(await recent(1), "pi-1").length).toBeLessThan(3);
});

test("measured windows are told with the model", async () => {
  const fromMs = Date.now() - 20_000;
  const window = {
    t0: fromMs * 1000,
    dt: [0],
    kind: "window",
    title: "model int8",
    timeEnd: fromMs + 10_000,
    run: "job/0",
  };
  await send("pi-1", "event", { run_event: window });
  await eventually(async () =>
    expect((await recent()).windows).toEqual([
      { device: "pi-1", run: "job/0", title: "model int8", fromMs, toMs: fromMs + 10_000 },
    ]),
  );
});

test("a stamp that cannot be right is left out, and stands in the way of nothing", async () => {
  await send("pi-2", "power", { main: rows(Date.now() + 3_600_000, [5, 5, 5]) });
  await send("pi-2", "power", { main: rows(Date.now() - 3_600_000, [5, 5, 5]) });
  await send("pi-2", "power", { main: rows(Date.now() - 5000, [4]) });
  await eventually(async () => expect(valuesOf(await recent(), "pi-2")).toEqual([4000]));
});

test("the memory is bounded: more channels than that are not remembered, and the metrics tell", async () => {
  for (let n = 0; n < 300; n++) await send(`many-${n}`, "power", { main: rows(Date.now() - 3000, [2]) });
  const metrics = () => scrape(stack.hub.ready["metrics"] as string);
  await eventually(async () => expect(figure(await metrics(), "edgewatt_hub_recent_power_channels")).toBe(256));
  expect(figure(await metrics(), "edgewatt_hub_recent_power_bytes")).toBeLessThan(43e6);
  const { stepMs, series } = await recent();
  expect([stepMs, series.length]).toEqual([1000, 64]);
});
