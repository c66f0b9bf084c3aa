import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeMessage, topicFilter } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import { createSimulatedBus, findCommand, spawnService } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import type { Page } from "playwright-core";
import { BenchError } from "../errors.ts";
import { ROOT } from "../paths.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "../telemetry/cleanup.ts";
import { missingBrowser } from "./browser.ts";
import { startLiveStack } from "./live-stack.ts";
import { quantile } from "./quantile.ts";

const DEVICE = "bench-pi";
const ADDRESS = 0x40;
const LIMIT_MS = 250;
const WARM_UP_S = 5;
const COUNTED_S = 60;
/** Not a multiple of the tenth of a second at which the agent reads, so that edges fall anywhere between two samples. */
const PERIOD_S = 0.93;
const [LOW_A, HIGH_A, VOLTS] = [0.5, 0.9, 5];
const MIDDLE_W = ((LOW_A + HIGH_A) / 2) * VOLTS;

const SHOWN = ["chart", "number"] as const;
type Shown = (typeof SHOWN)[number];

/** A change between low and high: its direction, and when, ms since the epoch. */
interface Edge {
  readonly isHigh: boolean;
  readonly atMs: number;
}

/**
 * From a sample of a real agent, which reads a simulated INA219 ten times a second, to the frame after the one that draws it. The current
 * jumps twice in 0.93 s, so the first sample after a jump is told from all others on the screen: by the height of the dot at the end of
 * its line, which is looked for among the pixels, and by the number on the device's card.
 */
export const latency: Suite = { run: measure };

async function* measure({ wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const names = SHOWN.map((shown) => `live/latency/${shown}`).filter(wanted);
  const missing = missingBrowser() ?? (findCommand("gcc") === undefined ? "gcc is not installed" : undefined);
  if (missing !== undefined) {
    for (const name of names) yield unmeasured(name, "ms", missing);
    return;
  }
  const { samples, seen } = await observe();
  for (const shown of SHOWN) {
    const name = `live/latency/${shown}`;
    if (!names.includes(name)) continue;
    const delays = delaysOf(samples, seen[shown]);
    const note = `p95 of ${delays.length} samples at 10 Hz on loopback; median ${quantile(delays, 0.5).toFixed(0)}, p99 ${quantile(delays, 0.99).toFixed(0)}, largest ${quantile(delays, 1).toFixed(0)} ms`;
    yield compare(
      { name, value: quantile(delays, 0.95), unit: "ms", peer: "limit", peerValue: LIMIT_MS, note },
      { comparison: "<=", ratio: 1 },
    );
  }
}

async function observe(): Promise<{ samples: Edge[]; seen: Record<Shown, Edge[]> }> {
  await using cleanup = new Cleanup();
  const stack = await startLiveStack(cleanup);
  const amps = { kind: "square", lowA: LOW_A, highA: HIGH_A, periodS: PERIOD_S } as const;
  const chips = [{ type: "ina219", address: ADDRESS, channels: [{ volts: VOLTS, amps }] }] as const;
  const { bus, env } = await createSimulatedBus(join(stack.folder, "bus"), { chips });
  const config = join(stack.folder, "agent.yaml");
  await writeFile(config, JSON.stringify({ agent: { meters: { main: { source: "ina219", bus, address: ADDRESS } } } }));
  const args = ["--broker", stack.broker, "--device", DEVICE, "--data", stack.folder, "--config", config];
  const agentBin = join(ROOT, "edge-agent/bin/edgewatt-agent.js");
  cleanup.add(
    await spawnService(agentBin, [...args, "--log-level", "warn"], { env: { ...process.env, ...env } }),
    (agent) => agent.stop(),
  );
  const browser = cleanup.add(await launchChromium(), (started) => started.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(stack.hub);
  await page.locator(`[data-device=${DEVICE}] .watts-figure`).filter({ hasText: /\d/ }).waitFor();
  await sleep(WARM_UP_S * 1000);
  const log = createLogger({ name: "bench", level: "silent" });
  const connection = await connectMqtt({ url: stack.broker, clientId: "_bench", log, waitMs: 45_000 });
  cleanup.add(connection, (started) => started.close());
  const values: { w: number; atMs: number }[] = [];
  await connection.subscribe(topicFilter("live", { device: DEVICE, stream: "power" }), ({ payload }) => {
    const main = decodeMessage("live", payload).ch["main"];
    if (main !== undefined) values.push({ w: Number(main["w"]), atMs: main.t / 1000 });
  });
  const seen = await watch(page);
  return { samples: edgesOf(values), seen };
}

/** Looks at the page in every frame, without any help of it; what a frame shows is seen when the next one begins. */
function watch(page: Page): Promise<Record<Shown, Edge[]>> {
  return page.evaluate(
    async ({ device, middle, forMs }) => {
      const tip = document.querySelector<HTMLCanvasElement>("#chart .power-tip");
      const figure = document.querySelector(`[data-device=${device}] .watts-figure`);
      if (tip === null || figure === null) throw new TypeError("the page shows no chart or no device");
      const found: { chart: Edge[]; number: Edge[] } = { chart: [], number: [] };
      /** Height of the dot: the middle of the drawn pixels in the last column that has some. */
      const dotOf = (): number | undefined => {
        const { width, height } = tip;
        const { data } = tip.getContext("2d")?.getImageData(0, 0, width, height) ?? { data: [] };
        for (let x = width - 1; x >= 0; x--) {
          let [sum, count] = [0, 0];
          for (let y = 0; y < height; y++) {
            if ((data[4 * (y * width + x) + 3] ?? 0) < 128) continue;
            sum += y;
            count++;
          }
          if (count > 0) return sum / count;
        }
        return undefined;
      };
      const extremes = { low: Infinity, high: -Infinity };
      const last: Record<"chart" | "number", boolean | undefined> = { chart: undefined, number: undefined };
      /** A page's own drawing may come before or after this look in the same frame: what was found is on the screen in the next. */
      const drawn: ["chart" | "number", boolean][] = [];
      const note = (shown: "chart" | "number", isHigh: boolean): void => {
        if (last[shown] !== isHigh && last[shown] !== undefined) drawn.push([shown, isHigh]);
        last[shown] = isHigh;
      };
      const endMs = Date.now() + forMs;
      await new Promise<void>((resolve) => {
        const look = (): void => {
          const nowMs = Date.now();
          for (const [shown, isHigh] of drawn.splice(0)) found[shown].push({ isHigh, atMs: nowMs });
          const y = dotOf();
          if (y !== undefined) {
            extremes.low = Math.min(extremes.low, y);
            extremes.high = Math.max(extremes.high, y);
            if (extremes.high - extremes.low > 20) note("chart", y < (extremes.low + extremes.high) / 2);
          }
          const watts = Number(figure.textContent);
          if (Number.isFinite(watts)) note("number", watts > middle);
          if (nowMs < endMs) requestAnimationFrame(look);
          else resolve();
        };
        requestAnimationFrame(look);
      });
      return found;
    },
    { device: DEVICE, middle: MIDDLE_W, forMs: COUNTED_S * 1000 },
  );
}

function edgesOf(values: readonly { w: number; atMs: number }[]): Edge[] {
  return values.flatMap(({ w, atMs }, index) => {
    const before = values[index - 1];
    const isHigh = w > MIDDLE_W;
    return before === undefined || before.w > MIDDLE_W === isHigh ? [] : [{ isHigh, atMs }];
  });
}

/** What each sample took to be seen. @throws {BenchError} when the page showed less than nine tenths of them */
function delaysOf(samples: readonly Edge[], seen: readonly Edge[]): number[] {
  const delays: number[] = [];
  let missed = 0;
  for (const [index, { isHigh, atMs }] of samples.entries()) {
    const nextMs = samples[index + 1]?.atMs ?? Infinity;
    const shown = seen.find((edge) => edge.isHigh === isHigh && edge.atMs >= atMs && edge.atMs < nextMs + LIMIT_MS);
    // The first and the last may lie outside what was looked at.
    if (shown !== undefined) delays.push(shown.atMs - atMs);
    else if (index > 1 && index < samples.length - 2) missed++;
  }
  if (missed > samples.length / 10 || delays.length === 0) {
    throw new BenchError(`the page showed only ${delays.length} of ${samples.length} changes`, {
      code: "samples-unseen",
    });
  }
  return delays;
}
