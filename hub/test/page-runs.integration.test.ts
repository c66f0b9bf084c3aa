import type { Command, Run } from "@edgewatt/protocol";
import { cancellationOf, decodeMessage, encodeMessage, formatTopic, topicFilter } from "@edgewatt/protocol";
import { eventually, requireSystem } from "@edgewatt/testing";
import { launchChromium } from "@edgewatt/testing/chromium";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openPage, textOf } from "./browser.ts";
import { PageStack } from "./page-stack.ts";

const chromiumHere = requireSystem("chromium");
/** A run on a machine that is busy otherwise; only a hang reaches it. */
const RUN_MS = 240_000;
const MODEL = "mobilenetv1-cifar10-p40";

describe.skipIf(chromiumHere.skip)(`runs from the live page ${chromiumHere.reason}`, { timeout: 2 * RUN_MS }, () => {
  let stack: PageStack;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    stack = await PageStack.start();
    browser = await launchChromium();
    ({ page, problems } = await openPage(browser, stack.url, { viewport: { width: 1280, height: 900 } }));
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });
  // Between two runs the device is free: nothing waits for it that a test did not start.
  beforeEach(() => page.locator(`[data-device=${stack.device}][data-state=online]`).waitFor());

  const runs = async () => {
    const reply = await fetch(`${stack.url}/api/runs`);
    return ((await reply.json()) as { jobs: Run[] }).jobs;
  };
  const states = () => page.locator("#jobs .pill").allInnerTexts();
  const dismissAll = async () => {
    const cards = page.locator("#jobs .job");
    for (let left = await cards.count(); left > 0; left = await cards.count()) {
      await cards.first().locator(".quiet").click();
    }
  };

  /** Presses Tab until the element has the focus, as somebody does who has no mouse. */
  async function tabTo(selector: string): Promise<void> {
    for (let presses = 0; presses < 80; presses++) {
      if (await page.locator(selector).evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`the focus does not get to ${selector}`);
  }

  /** One model in fp32 with one quick window, or another precision. */
  async function fillIn({ precision = "fp32", windows = "1" } = {}): Promise<void> {
    await page.click("#start");
    await page.locator(`input[value="${MODEL}"]`).waitFor();
    await page.click("#start-none");
    await page.check(`input[value="${MODEL}"]`);
    for (const each of ["fp32", "int8"]) await page.setChecked(`input[value=${each}]`, each === precision);
    await page.fill("#start-windows", windows);
  }

  test("a run is started by keyboard alone, and its row gets into the table", async () => {
    await tabTo("#start");
    await page.keyboard.press("Enter");
    await page.locator(`input[value="${MODEL}"]`).waitFor();
    expect(await page.locator("#start-devices input").isChecked()).toBe(true);
    await tabTo("#start-none");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    await tabTo(`input[value="${MODEL}"]`);
    await page.keyboard.press("Space");
    await tabTo("input[value=int8]");
    await page.keyboard.press("Space");
    await tabTo("#start-windows");
    await page.keyboard.type("1");
    expect(await textOf(page, "#start-summary")).toMatch(/^On 1 device: one job of 1 row\. No labelled images/);
    await page.keyboard.press("Enter");
    await page.locator("#start-dialog").waitFor({ state: "hidden" });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("start");

    await eventually(async () => expect(await states()).toEqual(["running"]));
    const watts = new Set<string>();
    await eventually(async () => {
      watts.add(await textOf(page, `[data-device=${stack.device}] .watts-figure`));
      expect(watts.size).toBeGreaterThan(2);
    });
    await page.click("#jobs summary");
    await eventually(async () => expect(await textOf(page, "#jobs .log ol")).toMatch(/1 entry, 1 window of 2 s/));
    await eventually(async () => expect(await textOf(page, "#results-table tbody")).toContain(MODEL), {
      timeoutMs: RUN_MS,
    });
    expect(await page.locator("#results-table tbody tr").count()).toBe(1);
    await eventually(async () => expect(await states()).toEqual(["succeeded"]));
    const [run] = await runs();
    expect(run).toMatchObject({ op: "benchmark", device: stack.device, command: { by: "page", rev: 1 } });
    await dismissAll();
  });

  test("what a flag means is told on focus, and Escape hides it", async () => {
    await page.locator("#results-table .chips").first().focus();
    await eventually(async () =>
      expect(await textOf(page, "#tip")).toMatch(/quick\n.*not? .*cite|quick\n.*cite a full run/),
    );
    await page.keyboard.press("Escape");
    await page.locator("#tip").waitFor({ state: "hidden" });
  });

  test("results can be taken along as files", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download-csv")]);
    expect(download.suggestedFilename()).toBe("edgewatt-results.csv");
    expect((await (await fetch(`${stack.url}/api/results.csv`)).text()).split("\n")[1]).toContain(MODEL);
  });

  test("a mistake in the form is told, takes the focus to its place, and sends nothing", async () => {
    const before = (await runs()).length;
    await fillIn({ windows: "1000" });
    await page.click("#start-submit");
    await eventually(async () => expect(await textOf(page, "#start-error")).toMatch(/from 1 to 100/));
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("start-windows");
    await page.keyboard.press("Escape");
    await page.locator("#start-dialog").waitFor({ state: "hidden" });
    expect((await runs()).length).toBe(before);
  });

  test("a running job is canceled from the page, which shows that its device has not confirmed yet", async () => {
    await fillIn({ windows: "100" });
    await page.click("#start-submit");
    await eventually(async () => expect(await states()).toEqual(["running"]));
    await page.click("#jobs .danger");
    // The safe answer has the focus.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("cancel-keep");
    await page.keyboard.press("Enter");
    await page.locator("#cancel-dialog").waitFor({ state: "hidden" });
    expect(await states()).toEqual(["running"]);
    await stack.whileAgentStands(async () => {
      await page.click("#jobs .danger");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await eventually(async () => expect(await states()).toEqual(["canceling"]));
    });
    await eventually(async () => expect(await states()).toEqual(["canceled"]));
    await eventually(async () => expect((await runs())[0]).toMatchObject({ command: { rev: 2, cancel: true } }));
    await dismissAll();
  });

  test("a command that the device rejects is shown with its reason and what to do", async () => {
    const commands: Command[] = [];
    await fillIn();
    const example = (await runs())[0]?.command as Command;
    await stack.whileAgentStands(async () => {
      for (let index = 0; index < 9; index++) {
        const job = `01ZZZZZZZZZZZZZZZZZZZZZZZ${index}`;
        const command = { ...example, job, rev: 1, cancel: false, by: "test", expiresAt: Date.now() + 600_000 };
        commands.push(command);
        await publish(command);
      }
      await page.click("#start-submit");
      await page.locator("#start-dialog").waitFor({ state: "hidden" });
    });
    await eventually(async () =>
      expect(await textOf(page, "#jobs .job[data-state=rejected] .step")).toMatch(/8 jobs wait already.*Cancel one/s),
    );
    expect(await textOf(page, "#alerts .notice")).toMatch(/pi-1 does not take the benchmark: 8 jobs wait/);
    await page.click("#alerts .quiet");
    for (const command of commands.toReversed()) await publish(cancellationOf(command, "test"));
    await eventually(async () => expect(new Set(await states())).toEqual(new Set(["canceled", "rejected"])));
    await dismissAll();
  });

  async function publish(command: Command): Promise<void> {
    const topic = formatTopic({ kind: "command", device: stack.device, op: command.op, job: command.job });
    await stack.connection.publish(topic, encodeMessage("command", command), { qos: 1, retain: true });
  }

  test("a hub without a list of models says what to do instead", async () => {
    await page.route("**/api/models", (route) => route.fulfill({ status: 404, body: "{}" }));
    await page.click("#start");
    await eventually(async () => expect(await textOf(page, "#start-models-empty")).toMatch(/edgewatt benchmark MODEL/));
    await page.click("#start-submit");
    await eventually(async () => expect(await textOf(page, "#start-error")).toBe("Choose a model."));
    await page.keyboard.press("Escape");
    await page.unroute("**/api/models");
    // The browser itself reports the 404.
    expect(problems.splice(0)).toEqual([expect.stringContaining("404")]);
  });

  test("nothing went wrong, and nothing was asked of any other host", () => {
    expect(problems).toEqual([]);
  });

  test("a job outlives broker and hub, the page says what is away, and nothing is doubled", async () => {
    const before = (await runs()).length;
    await fillIn({ windows: "8" });
    await page.click("#start-submit");
    await eventually(async () => expect(await states()).toEqual(["running"]));
    const job = await page.locator("#jobs .job").getAttribute("data-job");

    await stack.killBroker();
    await eventually(async () => expect(await textOf(page, "#banner")).toMatch(/The hub has lost the broker/));
    await page.click("#start");
    await page.click("#start-submit");
    await eventually(async () => expect(await textOf(page, "#start-error")).toMatch(/this was not sent/));
    await page.keyboard.press("Escape");
    await stack.startBroker();
    await eventually(async () => expect(await textOf(page, "#connection")).toBe("live"));

    await stack.killHub();
    await eventually(async () => expect(await textOf(page, "#banner")).toMatch(/The hub cannot be reached/));
    await stack.startHub();
    await eventually(async () => expect(await textOf(page, "#connection")).toBe("live"));
    await page.locator("#banner").waitFor({ state: "hidden" });

    expect(await page.locator("#jobs .job").count()).toBe(1);
    await eventually(async () => expect(await states()).toEqual(["succeeded"]), { timeoutMs: RUN_MS });
    await eventually(async () => expect((await runs()).length).toBe(before + 1));
    const [newest] = await runs();
    expect(newest).toMatchObject({ job, state: { state: "succeeded", attempt: 1 } });
    // Its row has taken the place of the older one.
    await eventually(async () => expect(await page.locator("#results-table tbody tr").count()).toBe(1));
    expect(await retainedCommands(job ?? "")).toHaveLength(1);
  });

  async function retainedCommands(job: string): Promise<Command[]> {
    const found: Command[] = [];
    await eventually(() => expect(stack.connection.connected).toBe(true));
    const filter = topicFilter("command", { job });
    const subscription = await stack.connection.subscribe(filter, ({ payload }) =>
      found.push(decodeMessage("command", payload)),
    );
    await eventually(() => expect(found.length).toBeGreaterThan(0));
    await subscription.unsubscribe();
    return found;
  }
});
