import { findCommand } from "@edgewatt/testing";

/** Why there is no browser, or undefined. */
export function missingBrowser(): string | undefined {
  return findCommand("chromium") === undefined
    ? "chromium is not installed: run scripts/system-packages.sh"
    : undefined;
}
