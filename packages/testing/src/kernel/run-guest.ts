import { spawn } from "node:child_process";
import { once } from "node:events";
import { TestingError } from "../errors.ts";
import { installedCommand } from "../require-system.ts";
import { tempDir } from "../temp-dir.ts";
import { BEGIN, buildInitramfs, END, type GuestFiles } from "./initramfs.ts";
import { kernelFiles } from "./kernel-files.ts";

const MEMORY_MB = 768;

/**
 * Boots a Linux kernel in QEMU and runs a program of Node.js in it; gives what the program printed. The processor is
 * emulated, since /dev/kvm may be there and unusable: starting takes some ten seconds.
 * @throws {TestingError} when it does not end within `timeoutMs`, or ends otherwise than with 0
 */
export async function runInKernel(guest: GuestFiles, timeoutMs: number): Promise<string> {
  await using dir = await tempDir();
  const initramfs = await buildInitramfs(dir.path, guest);
  const machine = ["-machine", "pc", "-accel", "tcg", "-cpu", "max", "-m", String(MEMORY_MB), "-smp", "1"];
  const console_ = ["-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot", "-net", "none"];
  const kernel = ["-kernel", kernelFiles().image, "-initrd", initramfs];
  const append = ["-append", "console=ttyS0 quiet panic=-1"];
  const args = [...machine, ...console_, ...kernel, ...append];
  const child = spawn(installedCommand("qemu-system-x86_64"), args, {
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.timeout(timeoutMs),
    killSignal: "SIGKILL",
  });
  let output = "";
  const collect = (text: string) => (output += text);
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const failed = (what: string, cause?: unknown) =>
    new TestingError(`${what}; the last of its console:\n${output.slice(-2000)}`, { code: "guest", cause });
  try {
    await once(child, "close");
  } catch (cause) {
    throw failed(`the virtual machine did not end within ${timeoutMs / 1000} s`, cause);
  }
  const lines = output.replaceAll("\r", "").split("\n");
  const begin = lines.findIndex((line) => line.includes(BEGIN));
  const end = lines.findIndex((line) => line.includes(END));
  if (begin === -1 || end === -1) throw failed("the virtual machine ended before its program did");
  if (!lines[end]?.endsWith(`${END} 0`)) throw failed(`its program failed: ${lines[end]}`);
  return lines.slice(begin + 1, end).join("\n");
}
