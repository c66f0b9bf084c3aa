import { eventually } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "../telemetry/cleanup.ts";
import { missingBrowser } from "./browser.ts";
import { LiveFleet } from "./live-fleet.ts";
import { startLiveStack } from "./live-stack.ts";

const LIMIT_KB = 300;
const DEVICES = 20;
const MINUTES = 10;
/** A page of a fleet that nobody has started yet, and one that finds devices and their last minutes. */
const CASES = { "live/load/empty": 0, "live/load/fleet": DEVICES } as const;

/** What a browser that was never here receives until the page follows the fleet, over the hub's own HTTP, headers and all. */
export const load: Suite = { run: measure };

async function* measure({ wanted }: BenchContext): AsyncGenerator<BenchResult> {
  for (const [name, devices] of Object.entries(CASES)) {
    if (!wanted(name)) continue;
    const missing = missingBrowser();
    if (missing !== undefined) {
      yield unmeasured(name, "kB", missing);
      continue;
    }
    const { bytes, note } = await openPage(devices);
    yield compare(
      { name, value: bytes / 1000, unit: "kB", peer: "limit", peerValue: LIMIT_KB, note },
      { comparison: "<=", ratio: 1 },
    );
  }
}

async function openPage(devices: number): Promise<{ bytes: number; note: string }> {
  await using cleanup = new Cleanup();
  const stack = await startLiveStack(cleanup);
  if (devices > 0) {
    const fleet = cleanup.add(await LiveFleet.connect(stack.broker, devices), (started) => started.close());
    await fleet.sendPast(MINUTES);
  }
  const browser = cleanup.add(await launchChromium(), (started) => started.close());
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const received = new Map<string, number>();
  const addresses = new Map<string, string>();
  session.on("Network.responseReceived", ({ requestId, response }) => addresses.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) =>
    received.set(requestId, encodedDataLength),
  );
  const past = () => [...received].filter(([id]) => addresses.get(id)?.includes("/api/power") === true);
  const open = async (): Promise<number> => {
    received.clear();
    await page.goto(stack.hub);
    // The last that it asks for, once it is connected.
    await eventually(() => {
      if (past().length === 0) throw new RangeError("the page has not asked for the last minutes");
    });
    await page.waitForLoadState("networkidle");
    return sumOf(received);
  };
  const bytes = await open();
  const kb = (count: number): string => `${(count / 1000).toFixed(1)} kB`;
  const told = `${received.size} responses; ${kb(sumOf(new Map(past())))} of it tell the last ${MINUTES} min of ${devices} devices`;
  return { bytes, note: `${told}; opened again ${kb(await open())}` };
}

function sumOf(received: ReadonlyMap<string, number>): number {
  return [...received.values()].reduce((sum, bytes) => sum + bytes, 0);
}
