import { availableParallelism, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "../telemetry/cleanup.ts";
import { missingBrowser } from "./browser.ts";
import { frameWork, TRACE_CATEGORIES, type FrameWork } from "./frame-work.ts";
import { LiveFleet } from "./live-fleet.ts";
import { startLiveStack } from "./live-stack.ts";
import { quantile } from "./quantile.ts";

const DEVICES = 20;
const MINUTES = 10;
const WARM_UP_S = 10;
const COUNTED_S = 30;
const LIMIT_MS = 8;
const NAME = "live/frame/work";

/**
 * What the main thread of the page has to do for a frame, with twenty devices at 10 Hz and ten minutes of each in view: messages, cards, chart,
 * style and layout, painting, and what the browser does beside. Only frames in which something happened are counted: an idle page has none.
 */
export const frame: Suite = { run: measure };

async function* measure({ wanted }: BenchContext): AsyncGenerator<BenchResult> {
  if (!wanted(NAME)) return;
  const missing = missingBrowser();
  if (missing !== undefined) {
    yield unmeasured(NAME, "ms", missing);
    return;
  }
  const frames = await observe();
  const wall = frames.map(({ wallMs }) => wallMs);
  const cpu = frames.map(({ cpuMs }) => cpuMs);
  const spread = (values: readonly number[]): string =>
    [0.5, 0.95, 0.99, 1].map((q) => quantile(values, q).toFixed(1)).join(" / ");
  const note =
    `p95 of ${frames.length} frames in ${COUNTED_S} s, ${DEVICES} devices × ${MINUTES} min, no graphics processor; ` +
    `median / p95 / p99 / largest: processor time ${spread(cpu)} ms, with what other processes took ${spread(wall)} ms; ` +
    `load average ${(loadavg()[0] ?? 0).toFixed(0)} on ${availableParallelism()} processors`;
  yield compare(
    { name: NAME, value: quantile(cpu, 0.95), unit: "ms", peer: "limit", peerValue: LIMIT_MS, note },
    { comparison: "<=", ratio: 1 },
  );
}

async function observe(): Promise<FrameWork[]> {
  await using cleanup = new Cleanup();
  const stack = await startLiveStack(cleanup);
  const fleet = cleanup.add(await LiveFleet.connect(stack.broker, DEVICES), (started) => started.close());
  await fleet.sendPast(MINUTES);
  const stop = new AbortController();
  const running = fleet.run(stop.signal);
  cleanup.add(stop, async (controller) => {
    controller.abort();
    await running;
  });
  const browser = cleanup.add(await launchChromium(), (started) => started.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(stack.hub);
  await page.getByText(`${MINUTES} min`).click();
  await eventually(async () => {
    const lines = await page.locator(".power-legend .power-value").filter({ hasText: /\d/ }).count();
    if (lines < DEVICES) throw new RangeError(`the chart shows ${lines} of ${DEVICES} devices`);
  });
  await sleep(WARM_UP_S * 1000);
  await browser.startTracing(page, { categories: TRACE_CATEGORIES });
  await sleep(COUNTED_S * 1000);
  return frameWork((await browser.stopTracing()).toString("utf8"));
}
