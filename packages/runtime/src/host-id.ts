import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, statSync } from "node:fs";
import os from "node:os";

const LENGTH = 16;

function firstThatWorks(...sources: readonly (() => string)[]): string {
  for (const source of sources) {
    try {
      return source();
    } catch {
      // Not on this system; the next one is less exact but still tells machines apart.
    }
  }
  return "";
}

/**
 * Names this boot of this machine and the files that this process sees: equal on two processes that may hand each other
 * `file:` URLs, different in two containers, on two machines, and after a reboot.
 */
export function hostId(): string {
  const boot = firstThatWorks(
    () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    () => os.hostname(),
  );
  const namespace = firstThatWorks(() => readlinkSync("/proc/self/ns/mnt"));
  const root = statSync("/");
  return createHash("sha256").update(`${boot}\n${namespace}\n${root.dev}:${root.ino}`).digest("hex").slice(0, LENGTH);
}
