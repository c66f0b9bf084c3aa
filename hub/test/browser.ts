import { CHROMIUM_MS } from "@edgewatt/testing/chromium";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** The live page, opened in a window of its own. */
export interface OpenPage {
  readonly page: Page;
  /** What went wrong in it: errors, warnings, breaches of the content policy, requests that failed or left the hub. */
  readonly problems: string[];
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(CHROMIUM_MS);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => problems.push(`${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) problems.push(`left the hub: ${request.url()}`);
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(url).host) problems.push(`left the hub: ${socket.url()}`);
  });
  await page.goto(url);
  return { page, problems };
}

/** The text of an element; rejects soon when it is not there, so that it can be asked for again. */
export function textOf(page: Page, selector: string): Promise<string> {
  return page.locator(selector).innerText({ timeout: 2000 });
}
