import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** A small disk of its own at a folder, for what happens when it is full or read-only. */
export interface SmallDisk {
  remount(mode: "ro" | "rw"): void;
  [Symbol.dispose](): void;
}

function mount(...args: string[]): void {
  execFileSync("mount", args, { stdio: "ignore" });
}

/** `undefined` where this user may not mount one: it takes root. */
export function mountSmallDisk(at: string, kilobytes = 256): SmallDisk | undefined {
  mkdirSync(at, { recursive: true });
  try {
    mount("-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", at);
  } catch {
    return undefined;
  }
  return {
    remount: (mode) => mount("-o", `remount,${mode}`, at),
    [Symbol.dispose]: () => void execFileSync("umount", ["--lazy", at]),
  };
}
