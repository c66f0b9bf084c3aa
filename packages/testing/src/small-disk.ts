import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** A disk of 256 KB at a folder, for what happens when it is full. */
export interface SmallDisk {
  [Symbol.dispose](): void;
}

/** `undefined` where this user may not mount one: it takes root. */
export function mountSmallDisk(at: string): SmallDisk | undefined {
  mkdirSync(at, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", at], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { [Symbol.dispose]: () => void execFileSync("umount", ["--lazy", at]) };
}
