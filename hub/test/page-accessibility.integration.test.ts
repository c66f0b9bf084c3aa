import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { eventually, requireSystem } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { studyLayers } from "../../packages/report/test/layers/study-layers.ts";
import { openPage, textOf } from "./browser.ts";
import { startStack, type Stack } from "./stack.ts";
import { VirtualDevice } from "./virtual-device.ts";

const chromiumHere = requireSystem("chromium");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SIZES = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
  small: { width: 360, height: 640 },
};
const SCHEMES = ["light", "dark"] as const;
const JOB = "01KAQ3N9V4M6T2X8Z0B1C5D7EF";

declare global {
  var axe: { run(): Promise<AxeResults> };
}

/** Axe looks at every element six times; only a hang reaches this. */
const CHECK_MS = 300_000;

describe.skipIf(chromiumHere.skip)(`the live page for everybody ${chromiumHere.reason}`, { timeout: CHECK_MS }, () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let axe: string;
  let device: VirtualDevice;

  beforeAll(async () => {
    stack = await startStack();
    browser = await launchChromium();
    axe = await readFile(AXE, "utf8");
    device = new VirtualDevice(stack.connection, "pi-1");
    ({ page } = await openPage(browser, stack.url, { reducedMotion: "reduce" }));
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  /** Checked by axe-core in each size and colour scheme; nothing but regions of their own scrolls sideways. */
  async function expectUsable(): Promise<void> {
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of SCHEMES) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")}: ${failureSummary}`),
        );
        expect(found, `${size}, ${colorScheme}`).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${size}, ${colorScheme}`).toBe(0);
      }
    }
  }

  test("while nothing is there", async () => {
    await eventually(async () => expect(await textOf(page, "#connection")).toBe("live"));
    await eventually(async () => expect(await textOf(page, "#results")).toMatch(/No benchmark/));
    await expectUsable();
  });

  test("while a job runs and another one was rejected", async () => {
    await device.online();
    await device.telemetry(3.2);
    await device.command(JOB);
    await device.jobState({
      job: JOB,
      state: "running",
      step: "measure",
      detail: "mobilenetv1-cifar10-p05 int8, block 2 of 3",
      progress: 0.4,
      startedAt: Date.now(),
    });
    await device.jobEvent(JOB, "12 entries, 3 windows of 2 s each: about 120 s");
    await device.jobEvent(JOB, "the clock of the device is not synchronized", "warn");
    await device.command(`${JOB}0`);
    await device.jobState({ job: `${JOB}0`, state: "accepted", position: 1 });
    await eventually(async () =>
      expect(await textOf(page, `[data-job="${JOB}0"] .step`)).toMatch("Waits behind 1 job"),
    );
    await device.jobState({
      job: `${JOB}0`,
      state: "rejected",
      reason: { code: "busy", message: `no room for http://hub.local/artifacts/${"0123456789abcdef".repeat(6)}` },
    });
    await page.click(`[data-job="${JOB}"] summary`);
    await eventually(async () => expect(await textOf(page, "#alerts .notice")).toMatch(/does not take/));
    await expectUsable();
    await page.click("#alerts .quiet");
  });

  test("with the forms open, which keep the focus inside and give it back", async () => {
    await page.click("#start");
    await page.locator("#start-models input").first().waitFor();
    await page.click("#start-none");
    await page.click("#start-submit");
    await expectUsable();
    await page.setViewportSize(SIZES.desktop);
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press("Tab");
      // Between the last element and the first one it is the browser's own.
      const where = await page.evaluate(() => {
        const { activeElement } = document;
        return activeElement === document.body || activeElement?.closest("#start-dialog") !== null;
      });
      expect(where).toBe(true);
    }
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("start");
    await page.locator(`[data-job="${JOB}"] .danger`).click();
    await expectUsable();
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Cancel");
  });

  test("with results, layers, and the meaning of flags open", async () => {
    await device.jobState({ job: JOB, state: "succeeded", endedAt: Date.now(), result: { results: device.results() } });
    await device.jobState({ job: `${JOB}1`, op: "sensitivity", state: "succeeded", result: studyLayers() });
    await page.locator("#results-table").waitFor();
    await page.click("#layers summary >> nth=0");
    expect(await textOf(page, "#layers-table-0 tbody")).toContain("/block2/Conv");
    await page.click("#results .notes summary");
    await page.click("#results figcaption summary >> nth=0");
    await page.locator("#results-table .chips").first().focus();
    await eventually(async () => expect(await textOf(page, "#tip")).toMatch(/quick/));
    await expectUsable();
  });

  test("figures have one size, a name, and their data in words", async () => {
    await page.setViewportSize(SIZES.desktop);
    const figures = await page.locator("#results .figure").evaluateAll((all) =>
      all.map((figure) => {
        const image = figure.querySelector("img");
        const { width, height } = image?.getBoundingClientRect() ?? { width: 0, height: 0 };
        return {
          name: image?.alt ?? "",
          size: `${Math.round(width)} × ${Math.round(height)}`,
          words: figure.querySelector("p")?.textContent ?? "",
        };
      }),
    );
    expect(figures).toHaveLength(5);
    expect(new Set(figures.map(({ size }) => size)).size).toBe(1);
    for (const { name, words } of figures) {
      expect(name).not.toBe("");
      expect(words).toContain("mobilenetv1-cifar10-p10");
    }
  });

  test("while the connection is lost", async () => {
    await stack.broker.stop("SIGKILL");
    await eventually(async () => expect(await textOf(page, "#banner")).toMatch(/lost the broker/));
    await expectUsable();
  });
});
