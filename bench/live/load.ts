import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "../telemetry/cleanup.ts";
import { launchBrowser, missingBrowser } from "./browser.ts";
import { startLiveStack } from "./live-stack.ts";

const LIMIT_KB = 300;
const NAME = "live/load/bytes";

/** What a browser that was never here receives until the page follows the fleet, over the hub's own HTTP, headers and all. */
export const load: Suite = { run: measure };

async function* measure({ wanted }: BenchContext): AsyncGenerator<BenchResult> {
  if (!wanted(NAME)) return;
  const missing = missingBrowser();
  if (missing !== undefined) {
    yield unmeasured(NAME, "kB", missing);
    return;
  }
  await using cleanup = new Cleanup();
  const stack = await startLiveStack(cleanup);
  const browser = cleanup.add(await launchBrowser(), (started) => started.close());
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const received = new Map<string, number>();
  const encodings = new Map<string, number>();
  session.on("Network.responseReceived", ({ response }) => {
    const header = Object.entries(response.headers).find(([name]) => name.toLowerCase() === "content-encoding");
    const encoding = header?.[1] ?? "plain";
    encodings.set(encoding, (encodings.get(encoding) ?? 0) + 1);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) =>
    received.set(requestId, encodedDataLength),
  );
  const openedMs = Date.now();
  await page.goto(stack.hub);
  await page.locator("#connection[data-state=online]").waitFor();
  const readyMs = Date.now() - openedMs;
  await page.waitForLoadState("networkidle");
  const first = sumOf(received);
  const requests = received.size;
  const how = [...encodings].map(([encoding, count]) => `${count} ${encoding}`).join(", ");
  received.clear();
  await page.reload();
  await page.locator("#connection[data-state=online]").waitFor();
  await page.waitForLoadState("networkidle");
  const note = `${requests} responses (${how}); follows the fleet after ${readyMs} ms; opened again ${(sumOf(received) / 1000).toFixed(1)} kB`;
  yield compare(
    { name: NAME, value: first / 1000, unit: "kB", peer: "limit", peerValue: LIMIT_KB, note },
    { comparison: "<=", ratio: 1 },
  );
}

function sumOf(received: ReadonlyMap<string, number>): number {
  return [...received.values()].reduce((sum, bytes) => sum + bytes, 0);
}
