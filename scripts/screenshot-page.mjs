// Takes the picture of the live page: node scripts/screenshot-page.mjs URL OUT.png [WIDTH] [light|dark]
import { chromium } from "playwright-core";

const [url, out, width = "1360", scheme = "light"] = process.argv.slice(2);
if (url === undefined || out === undefined) {
  process.stderr.write("usage: node scripts/screenshot-page.mjs URL OUT.png [WIDTH] [light|dark]\n");
  process.exit(2);
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
    viewport: { width: Number(width), height: 900 },
    deviceScaleFactor: Number(width) < 600 ? 2 : 1,
    colorScheme: scheme === "dark" ? "dark" : "light",
  });
  await page.goto(url);
  await page.locator("#connection[data-state=online]").waitFor();
  await page.locator(".device").first().waitFor();
  // The graph fills as samples arrive; some seconds make a line of it.
  await page.waitForTimeout(15_000);
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await page.screenshot({ path: out, fullPage: true });
} finally {
  await browser.close();
}
