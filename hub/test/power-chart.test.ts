import { encodeMessage, formatTopic, type Channel } from "@edgewatt/protocol";
import { eventually, requireSystem } from "@edgewatt/testing";
import { CHROMIUM_MS, launchChromium } from "@edgewatt/testing/chromium";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, startStack, type Stack } from "./stack.ts";
import { VirtualDevice } from "./virtual-device.ts";

const chromiumHere = requireSystem("chromium");
/** The colours of the first two lines. */
const BLUE = [0x2f, 0x81, 0xd6] as const;
const ORANGE = [0xd5, 0x5e, 0x00] as const;
const MINUTE_MS = 60_000;

describe.skipIf(chromiumHere.skip)(`the chart in a browser ${chromiumHere.reason}`, () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let seq = 1000;
  const problems: string[] = [];

  beforeAll(async () => {
    stack = await startStack();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  /** Telemetry of constant power from one moment to another, with peaks of the raw readings above it. */
  async function past(device: string, fromMs: number, toMs: number, watts: number): Promise<void> {
    for (let atMs = fromMs; atMs < toMs; atMs += 20_000) {
      const dt = Array.from({ length: Math.min(200, (toMs - atMs) / 100) }, (_, index) => index * 100_000);
      const main: Channel = { t0: atMs * 1000, dt, w: watts, wMin: watts, wMax: watts + 0.5, source: "ina226" };
      const payload = encodeMessage("telemetry", { v: 1, boot: 1, seq: seq++, sync: true, ch: { main } });
      const topic = formatTopic({ kind: "telemetry", device, stream: "power" });
      await stack.connection.publish(topic, payload, { qos: 1 });
    }
  }

  async function live(device: string, watts: number, stampMs = Date.now()): Promise<void> {
    const main = { t: Math.round(stampMs * 1000), w: watts, wMin: watts, wMax: watts, source: "ina226" };
    const topic = formatTopic({ kind: "live", device, stream: "power" });
    await stack.connection.publish(topic, encodeMessage("live", { v: 1, boot: 1, ch: { main } }), { qos: 1 });
  }

  async function open(): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    opened.setDefaultTimeout(CHROMIUM_MS);
    opened.on("pageerror", (error) => problems.push(String(error)));
    opened.on("console", (message) => {
      // The connection that is cut, the hub that is asked whether it is there, and that this test reads pixels back.
      const isExpected = /WebSocket|ERR_CONNECTION_(REFUSED|RESET)|getImageData/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isExpected) problems.push(message.text());
    });
    await opened.goto(stack.url);
    await opened.locator("#connection[data-state=online]").waitFor();
    return opened;
  }

  /** The pixel columns of the plot, left to right, that hold a colour. */
  function columnsOf(colour: readonly [number, number, number], canvas = "canvas:not(.power-tip)"): Promise<number[]> {
    return page.locator(`#chart ${canvas}`).evaluate((element, [red, green, blue]) => {
      const { width, height } = element as HTMLCanvasElement;
      const { data } = (element as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height) ?? {
        data: [],
      };
      const found = new Set<number>();
      for (let i = 0; i < data.length; i += 4) {
        const far =
          Math.abs((data[i] ?? 0) - red) + Math.abs((data[i + 1] ?? 0) - green) + Math.abs((data[i + 2] ?? 0) - blue);
        if (far < 60 && (data[i + 3] ?? 0) > 200) found.add((i / 4) % width);
      }
      return [...found].sort((a, b) => a - b);
    }, colour);
  }

  const button = (name: RegExp) => page.locator("#chart").getByRole("button", { name });

  test("a page that is opened shows the last minutes at once, with a gap where nothing was", async () => {
    const device = new VirtualDevice(stack.connection, "pi-1");
    device.source = "ina226";
    await device.online();
    const nowMs = Date.now();
    await past("pi-1", nowMs - 4 * MINUTE_MS, nowMs - 3 * MINUTE_MS, 3);
    await past("pi-1", nowMs - 2 * MINUTE_MS, nowMs, 3);
    await eventually(async () => {
      const { series } = (await (await fetch(`${stack.url}/api/power`)).json()) as {
        series: { mw: (number | null)[] }[];
      };
      expect(series[0]?.mw.filter((mw) => mw !== null).length).toBeGreaterThan(350);
    });
    page = await open();
    await eventually(async () => {
      const columns = await columnsOf(BLUE);
      const [widest = 0, second = 0] = columns
        .slice(1)
        .map((x, i) => x - (columns[i] ?? 0))
        .sort((a, b) => b - a);
      // A minute of four or five, on a thousand pixels.
      expect(widest).toBeGreaterThan(150);
      expect(second).toBeLessThan(20);
      expect(columns.length).toBeGreaterThan(400);
    });
  });

  test("a live value is drawn at the end of its line, whose end stays in view when it leaps beyond the axis", async () => {
    for (const watts of [3, 40]) {
      await eventually(async () => {
        await live("pi-1", watts);
        expect((await columnsOf(BLUE, ".power-tip")).length).toBeGreaterThan(2);
      });
    }
    await eventually(async () => {
      await live("pi-1", 40);
      expect(await button(/^pi-1/).innerText()).toContain("40.0 W");
    });
  });

  test("a line is hidden and shown by key", async () => {
    const line = button(/^pi-1/);
    await line.focus();
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await line.getAttribute("aria-pressed")).toBe("false"));
    await eventually(async () => expect(await columnsOf(BLUE)).toEqual([]));
    await page.keyboard.press("Space");
    await eventually(async () => expect(await line.getAttribute("aria-pressed")).toBe("true"));
    await eventually(async () => expect((await columnsOf(BLUE)).length).toBeGreaterThan(300));
  });

  test("arrow keys and touch tell the values of a moment, Escape ends that", async () => {
    const spoken = page.locator("#chart [role=status]");
    await page.locator(".power-plot").focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("PageUp");
    await eventually(async () => expect(await spoken.textContent()).toMatch(/^\d\d:\d\d:\d\d, pi-1 3\.00 W/));
    await eventually(async () => expect(await page.locator(".power-readout").innerText()).toMatch(/^\d\d:\d\d:\d\d/));
    expect(await button(/^pi-1/).innerText()).toContain("3.00 W");
    await page.keyboard.press("Escape");
    await eventually(async () => expect(await page.locator(".power-readout").innerText()).toBe(""));
    const told = await spoken.textContent();
    await page
      .locator("#chart .u-over")
      .dispatchEvent("pointerdown", { pointerType: "touch", clientX: 900, clientY: 600, bubbles: true });
    await eventually(async () => expect(await spoken.textContent()).not.toBe(told));
    await page.locator(".power-plot").focus();
    await page.keyboard.press("Escape");
  });

  test("a measured window is told with its model where it is pointed at", async () => {
    const nowMs = Date.now();
    const window = {
      t0: (nowMs - 100_000) * 1000,
      dt: [0],
      kind: "window",
      title: "model-x int8",
      timeEnd: nowMs - 10_000,
      run: "job/0",
    };
    const payload = encodeMessage("telemetry", { v: 1, boot: 1, seq: seq++, sync: true, ch: { run_event: window } });
    await stack.connection.publish(formatTopic({ kind: "telemetry", device: "pi-1", stream: "event" }), payload, {
      qos: 1,
    });
    await page.locator(".power-plot").focus();
    await eventually(
      async () => {
        await page.keyboard.press("PageUp");
        expect(await page.locator(".power-readout").innerText()).toContain("pi-1: model-x int8");
      },
      { everyMs: 400 },
    );
    await page.keyboard.press("Escape");
  });

  test("paused it stands still while samples come, and then goes on", async () => {
    await page.locator(".power-plot").focus();
    await page.keyboard.press("Space");
    expect(await button(/^Pause/).getAttribute("aria-pressed")).toBe("true");
    const picture = () =>
      page.locator("#chart canvas:not(.power-tip)").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    await page.waitForTimeout(500);
    const before = await picture();
    for (let i = 0; i < 30; i++) {
      await live("pi-1", 3 + i);
      await page.waitForTimeout(50);
    }
    expect(await picture()).toBe(before);
    await button(/^Pause/).click();
    await eventually(async () => expect(await picture()).not.toBe(before));
  });

  test("a device whose clock is wrong is drawn where its samples arrive, and the page says so", async () => {
    const late = new VirtualDevice(stack.connection, "pi-late");
    late.source = "ina226";
    await late.online();
    await eventually(
      async () => {
        await live("pi-late", 20, Date.now() - 600_000);
        expect(await page.locator(".power-readout").innerText()).toContain(
          "the clock of pi-late is 10 min behind this one",
        );
      },
      { everyMs: 100 },
    );
    await eventually(
      async () => {
        await live("pi-late", 20, Date.now() - 600_000);
        expect((await columnsOf(ORANGE, ".power-tip")).length).toBeGreaterThan(2);
      },
      { everyMs: 100 },
    );
    expect(await button(/^pi-late/).innerText()).toContain("20.0 W");
  });

  test("out of sight it draws nothing, and shows all of it when it is seen again", async () => {
    const hide = (hidden: boolean) =>
      page.evaluate((isHidden) => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    const countFrames = () =>
      page.evaluate(async () => {
        let drawn = 0;
        const proto = CanvasRenderingContext2D.prototype as { clearRect: (...box: number[]) => void };
        const original = Object.getOwnPropertyDescriptor(proto, "clearRect") ?? {};
        const clearRect = original.value as typeof proto.clearRect;
        proto.clearRect = function (...box) {
          drawn++;
          clearRect.apply(this, box);
        };
        await new Promise((resolve) => setTimeout(resolve, 1500));
        Object.defineProperty(proto, "clearRect", original);
        return drawn;
      });
    await hide(true);
    await page.waitForTimeout(200);
    const sending = setInterval(() => void live("pi-1", 7), 50);
    expect(await countFrames()).toBe(0);
    await hide(false);
    await eventually(async () => expect(await countFrames()).toBeGreaterThan(0));
    clearInterval(sending);
    expect((await columnsOf(BLUE)).length).toBeGreaterThan(300);
  });

  test("a hub that starts again finds its page, whose chart keeps what it had", async () => {
    const port = new URL(stack.url).port;
    await stack.hub.stop("SIGKILL");
    await page.locator("#connection[data-state=offline]").waitFor();
    const hub = await startHub({ broker: stack.broker.url, dir: stack.dir, args: ["--http-port", port] });
    try {
      await page.locator("#connection[data-state=online]").waitFor();
      await eventually(async () => {
        await live("pi-1", 3.21);
        expect(await button(/^pi-1/).innerText()).toContain("3.21 W");
      });
      expect((await columnsOf(BLUE)).length).toBeGreaterThan(300);
    } finally {
      await hub.stop();
    }
  });

  test("no error and no breach of the content policy happened", () => {
    expect(problems).toEqual([]);
  });
});
