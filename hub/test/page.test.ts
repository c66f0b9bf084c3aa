import { eventually, requireSystem, startBroker } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage, textOf } from "./browser.ts";
import { startStack, type Stack } from "./stack.ts";
import { VirtualDevice } from "./virtual-device.ts";

const chromiumHere = requireSystem("chromium");
const JOB = "01KAQ3N9V4M6T2X8Z0B1C5D7EF";

describe.skipIf(chromiumHere.skip)(`the live page in a browser ${chromiumHere.reason}`, () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let device: VirtualDevice;
  let problems: string[];

  beforeAll(async () => {
    stack = await startStack();
    device = new VirtualDevice(stack.connection, "pi-1");
    browser = await launchChromium();
    ({ page, problems } = await openPage(browser, stack.url));
  });

  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  const text = (selector: string) => textOf(page, selector);
  const shows = (selector: string, expected: string | RegExp) =>
    eventually(async () => expect(await text(selector)).toMatch(expected));
  /** Watts are shown for ten seconds only, so they come again and again, as a device sends them. */
  const showsWith = (watts: number, selector: string, expected: string | RegExp) =>
    eventually(async () => {
      await device.telemetry(watts);
      expect(await text(selector)).toMatch(expected);
    });

  test("a device appears with its watts, its source marked as an estimate, and they move", async () => {
    await shows("#connection", "live");
    await device.online();
    await shows("[data-device=pi-1] h3", "pi-1");
    await showsWith(3.2, "[data-device=pi-1] .watts-figure", "3.24");
    await shows("[data-device=pi-1] .badge", /estimate/i);
    await showsWith(3.2, "[data-device=pi-1] .pill", "online");
    await shows("[data-device=pi-1] .facts", "51.5 °C");
    await showsWith(5.1, "[data-device=pi-1] .watts-figure", "5.14");
    await shows("#chart .power-legend", "pi-1 (estimate)");
  });

  test("a device that falls silent is stale, unless it has announced that, and online when it is heard again", async () => {
    const silent = new VirtualDevice(stack.connection, "pi-silent");
    const pill = "[data-device=pi-silent] .pill";
    await silent.online();
    await silent.telemetry(1);
    await shows(pill, "online");
    await page.evaluate(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + 31_000;
      addEventListener("rightTime", () => (Date.now = now), { once: true });
    });
    await shows(pill, "stale");
    await silent.online({ measuringUntil: Date.now() + 600_000 });
    await shows(pill, "measuring");
    await silent.online();
    await shows(pill, "stale");
    await silent.telemetry(1);
    await shows(pill, "online");
    await page.evaluate(() => dispatchEvent(new Event("rightTime")));
  });

  test("of a device that was lost the page tells when it was heard, and not when its will was written", async () => {
    const lost = new VirtualDevice(stack.connection, "pi-lost");
    const seen = "[data-device=pi-lost] .facts div:last-child dd";
    const hourAgo = Date.now() - 3_600_000;
    await lost.online({ state: "offline", ts: hourAgo, cause: "connection lost" });
    await shows(seen, /^≤ 1 h 0 min ago$/);
    await lost.online({ state: "offline", ts: hourAgo, cause: "shutdown" });
    await shows(seen, /^1 h 0 min ago$/);
    await lost.online({ conn: 2 });
    await shows(seen, /^–$/);
    await lost.telemetry(1);
    await lost.online({ conn: 2, state: "offline", ts: hourAgo, cause: "connection lost" });
    await shows("[data-device=pi-lost] .pill", "offline");
    await shows(seen, /^(now|\d+ s ago)$/);
  });

  test("a modelled source is marked as an estimate whatever its name, and a meter is not", async () => {
    const badge = page.locator("[data-device=pi-1] .badge");
    device.source = "pmic";
    await device.online();
    await device.telemetry(4.4);
    await shows("[data-device=pi-1] .badge", /^pmic, estimate$/i);
    expect(await badge.getAttribute("class")).toContain("estimate");
    expect(await badge.getAttribute("title")).toMatch(/^pmic: the whole board, by a model/);
    device.source = "ina228";
    await device.online();
    await shows("[data-device=pi-1] .badge", /^ina228$/i);
    expect(await badge.getAttribute("class")).not.toContain("estimate");
    device.source = "estimate";
    await device.online();
    await shows("[data-device=pi-1] .badge", /^estimate$/i);
  });

  test("a running job shows step and progress", async () => {
    await device.command(JOB);
    await device.jobState({
      job: JOB,
      state: "running",
      step: "measure",
      detail: "block 2 of 3",
      progress: 0.4,
      startedAt: Date.now(),
    });
    await shows(`[data-job="${JOB}"] .step`, "measure: block 2 of 3");
    await shows(`[data-job="${JOB}"] .percent`, "40 %");
    await showsWith(5.1, "[data-device=pi-1] .pill", "measuring");
    expect(await page.locator(`[data-job="${JOB}"] progress`).getAttribute("aria-label")).toContain("pi-1");
  });

  test("results appear when the benchmark has succeeded, with figures and footnotes", async () => {
    await device.jobState({
      job: JOB,
      state: "succeeded",
      startedAt: Date.now() - 60_000,
      endedAt: Date.now(),
      result: { results: device.results() },
    });
    await shows("#results-table", "3,217,226");
    await page.click("#results .notes summary");
    await shows("#results .footnotes", "not a result to cite");
    await shows(`[data-job="${JOB}"] .pill`, "succeeded");
    await page.click(`[data-job="${JOB}"] .quiet`);
    await shows("#jobs-empty", "Nothing is running");
    await shows("#runs-body", "succeeded");
    expect(await page.locator("#results-table tbody tr").count()).toBe(8);
    await eventually(async () => {
      const widths = await page
        .locator(".figure img")
        .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth));
      expect(widths).toEqual([680, 680, 680, 680, 680]);
    });
  });

  test("on a phone nothing but tables scrolls sideways", async () => {
    const faulty = new VirtualDevice(stack.connection, "a-name-as-long-as-a-device-can-have-here");
    faulty.source = "ina226";
    faulty.fault = "no chip answers at address 0x40 on /dev/i2c-1: check wiring and address";
    await faulty.online();
    await shows("[data-device^=a-name] .badge", /check wiring/);
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await eventually(async () => expect(await overflow()).toBe(0));
  });

  test("the graph draws its lines on a phone, where its legend takes several rows, in light and dark", async () => {
    const { page: phone, problems: phoneProblems } = await openPage(browser, stack.url, {
      viewport: { width: 390, height: 844 },
    });
    const drawn = async () => {
      await device.telemetry(4.4);
      await other.telemetry(2.9);
      // The colour of the first line, anywhere on the canvas.
      const pixels = await phone.locator("#chart canvas:not(.power-tip)").evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const data = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        let found = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (data[i] === 0x2f && data[i + 1] === 0x81 && data[i + 2] === 0xd6) found++;
        }
        return found;
      });
      expect(pixels).toBeGreaterThan(3);
    };
    const other = new VirtualDevice(stack.connection, "pi-2");
    await other.online();
    await eventually(drawn, { everyMs: 250 });
    await phone.emulateMedia({ colorScheme: "dark" });
    await eventually(drawn, { everyMs: 250 });
    await phone.close();
    // The test itself reads the canvas back, of which Chromium warns.
    problems.push(...phoneProblems.filter((problem) => !problem.startsWith("Canvas2D")));
  });

  test("no error, warning, failed request or breach of the content policy happened", () => {
    expect(problems).toEqual([]);
  });

  test("the page says that the broker is gone, and follows the fleet again when it is back", async () => {
    await stack.broker.stop("SIGKILL");
    await shows("#connection", "reconnecting");
    const broker = await startBroker({ mqttPort: Number(new URL(stack.broker.url).port) });
    try {
      await shows("#connection", "live");
      await eventually(() => expect(stack.connection.connected).toBe(true));
      await showsWith(6.3, "[data-device=pi-1] .watts-figure", "6.34");
    } finally {
      await broker.stop();
    }
  });
});
