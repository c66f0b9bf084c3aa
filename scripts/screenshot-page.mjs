// Takes the picture of the live page: node scripts/screenshot-page.mjs URL OUT.png [WIDTH] [light|dark] [run]
// `run` starts a quick benchmark from the page and shows it while it measures, down to the first row of figures; on a phone what one
// screen shows of it.
import { chromium } from "playwright-core";

const [url, out, width = "1280", scheme = "light", run] = process.argv.slice(2);
const isPhone = Number(width) < 600;
if (url === undefined || out === undefined) {
  process.stderr.write("usage: node scripts/screenshot-page.mjs URL OUT.png [WIDTH] [light|dark] [run]\n");
  process.exit(2);
}

async function startRun(page) {
  await page.click("#start");
  await page.locator("#start-models input").first().waitFor();
  await page.click("#start-submit");
  await page.locator("#jobs .step", { hasText: "measure" }).waitFor({ timeout: 300_000 });
  await page.locator("#jobs .muted", { hasText: "left" }).waitFor({ timeout: 60_000 });
  await page.click("#jobs summary");
  await page.locator("#jobs .log li").first().waitFor();
  // On a phone the job is what there is to see.
  await page.evaluate(
    (id) => (id === undefined ? scrollTo(0, 0) : document.getElementById(id)?.scrollIntoView()),
    isPhone ? "live-heading" : undefined,
  );
  await page.locator("#notices .notice").waitFor({ state: "hidden" });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage({
    viewport: { width: Number(width), height: isPhone ? 844 : 900 },
    deviceScaleFactor: isPhone ? 2 : 1,
    // What moves would be caught on its way.
    reducedMotion: "reduce",
    colorScheme: scheme === "dark" ? "dark" : "light",
  });
  await page.goto(url);
  await page.locator("#connection[data-state=online]").waitFor();
  await page.locator(".device").first().waitFor();
  // The graph fills as samples arrive; some seconds make a line of it.
  await page.waitForTimeout(15_000);
  if (run !== undefined) await startRun(page);
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  const figure = await page.locator("#results .figure").first().boundingBox();
  if (run === undefined || figure === null) await page.screenshot({ path: out, fullPage: true });
  else if (isPhone) await page.screenshot({ path: out });
  else {
    const height = figure.y + figure.height + 24;
    await page.screenshot({ path: out, fullPage: true, clip: { x: 0, y: 0, width: Number(width), height } });
  }
} finally {
  await browser.close();
}
