import { cancellationOf, decodeMessage, encodeMessage, formatTopic, type Command } from "@edgewatt/protocol";
import { eventually, requireSystem } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage, textOf } from "./browser.ts";
import { startHub, startStack, type Stack } from "./stack.ts";
import { VirtualDevice } from "./virtual-device.ts";

const chromiumHere = requireSystem("chromium");

describe.skipIf(chromiumHere.skip)(`the page beside other authors ${chromiumHere.reason}`, () => {
  let stack: Stack;
  let browser: Browser;
  let device: VirtualDevice;

  beforeAll(async () => {
    stack = await startStack();
    device = new VirtualDevice(stack.connection, "pi-1");
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  /** Sends the form as it opens; the device, which is none, never answers. */
  async function start(page: Page): Promise<void> {
    await page.click("#start");
    await page.locator("#start-models input:checked").waitFor();
    await page.click("#start-submit");
    await page.locator("#start-dialog").waitFor({ state: "hidden" });
  }

  test("what another author canceled while the page was away is not given back as it was", async () => {
    await device.online();
    const heard: Command[] = [];
    await stack.connection.subscribe("edgewatt/v1/pi-1/cmd/+/+", ({ payload }) =>
      heard.push(decodeMessage("command", payload)),
    );
    const { page } = await openPage(browser, stack.url);
    await page.locator("[data-device=pi-1]").waitFor();
    await start(page);
    await start(page);
    await eventually(() => expect(heard).toHaveLength(2));
    const [first, second] = heard as [Command, Command];

    await stack.hub.stop("SIGKILL");
    await eventually(async () => expect(await textOf(page, "#connection")).toContain("reconnecting"));
    const topic = formatTopic({ kind: "command", device: "pi-1", op: first.op, job: first.job });
    const canceled = encodeMessage("command", cancellationOf(first, "test"));
    await stack.connection.publish(topic, canceled, { qos: 1, retain: true });
    heard.length = 0;
    const port = new URL(stack.url).port;
    const hub = await startHub({ broker: stack.broker.url, dir: stack.dir, args: ["--http-port", port] });
    try {
      // What nobody has answered the page gives back; they go in the order in which they were started.
      await eventually(() => expect(heard.map(({ job }) => job)).toContain(second.job));
      expect(heard.filter(({ job, rev }) => job === first.job && rev === 1)).toEqual([]);
      await eventually(async () => expect(await page.locator("#jobs .pill").allInnerTexts()).toContain("canceled"));
    } finally {
      await page.close();
      await hub.stop();
    }
  });
});
