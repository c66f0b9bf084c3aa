import { accessSync } from "node:fs";
import path from "node:path";
import { TestingError } from "../errors.ts";
import { findCommand, requireSystem } from "../require-system.ts";

/** Where `scripts/system-packages.sh` unpacks the kernel that tests boot. */
const FOLDER = "/var/cache/edgewatt/kernel";

/** A kernel image and the modules that a test loads, in the order in which they must be loaded. */
export interface KernelFiles {
  readonly image: string;
  readonly modules: readonly string[];
}

const MODULES = ["i2c-dev", "i2c-stub", "industrialio", "kfifo_buf", "ina2xx-adc"] as const;

export function kernelFiles(): KernelFiles {
  return {
    image: path.join(FOLDER, "vmlinuz"),
    modules: MODULES.map((name) => path.join(FOLDER, `${name}.ko`)),
  };
}

/** Whether a test that boots a kernel must be skipped, and why: it needs an x64 machine, QEMU and the unpacked kernel. */
export function requireKernel(): { skip: boolean; reason: string } {
  if (process.arch !== "x64")
    return { skip: true, reason: `the test kernel is for x64, this machine is ${process.arch}` };
  const commands = requireSystem("qemu-system-x86_64", "cpio", "busybox");
  if (commands.skip) return commands;
  const { image, modules } = kernelFiles();
  const missing = [image, ...modules].filter((file) => !exists(file));
  if (missing.length === 0) return { skip: false, reason: "" };
  const reason = `${missing.join(", ")} not there: run scripts/system-packages.sh`;
  if (process.env["CI"] === "true") throw new TestingError(reason, { code: "kernel-missing", context: { missing } });
  return { skip: true, reason };
}

/** A busybox that needs no libraries, which the guest has none of but Node's. */
export function busybox(): string {
  return findCommand("busybox") ?? "/bin/busybox";
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}
