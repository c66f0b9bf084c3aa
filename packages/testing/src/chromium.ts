import { chromium, type Browser } from "playwright-core";
import { installedCommand } from "./require-system.ts";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Playwright's own limits, 30 s, are within reach of a disk that stands still while Chromium starts, ms. */
export const CHROMIUM_MS = 100_000;

/**
 * Debian's Chromium without a window and without a graphics processor: what a page draws, its main thread draws.
 * @throws {TestingError} code `command-missing`
 */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: installedCommand("chromium"), args: ARGS, timeout: CHROMIUM_MS });
}
