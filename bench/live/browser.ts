import { findCommand } from "@edgewatt/testing";
import { chromium, type Browser } from "playwright-core";

const START_MS = 100_000;
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why there is no browser, or undefined. */
export function missingBrowser(): string | undefined {
  return findCommand("chromium") === undefined
    ? "chromium is not installed: run scripts/system-packages.sh"
    : undefined;
}

/** Debian's Chromium without a window and without a graphics processor: what it draws, its main thread draws. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findCommand("chromium") ?? "chromium", args: ARGS, timeout: START_MS });
}
