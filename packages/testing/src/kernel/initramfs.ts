import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { TestingError } from "../errors.ts";
import { installedCommand } from "../require-system.ts";
import { busybox, kernelFiles } from "./kernel-files.ts";

const run = promisify(execFile);

/** Between these two lines of the console lies what the program printed. */
export const BEGIN = "--- guest begins ---";
export const END = "--- guest ends ---";

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo 1 > /proc/sys/kernel/printk
. /modules/load.sh
echo "${BEGIN}"
node /app/main.mjs
echo "${END} $?"
poweroff -f
`;

export interface GuestFiles {
  /** The program, an ES module; it is started as `/app/main.mjs`. */
  readonly program: string;
  /** Files and folders by their place below `/app`. */
  readonly files: Readonly<Record<string, string>>;
  /** Arguments of modules, by name. */
  readonly moduleArguments?: Readonly<Record<string, string>>;
}

/** The shared libraries that this Node.js needs, as ldd(1) names them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run("ldd", [program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}

/** Writes a root file system with this Node.js, the kernel modules and a program into `dir`, and packs it. */
export async function buildInitramfs(dir: string, guest: GuestFiles): Promise<string> {
  const root = path.join(dir, "root");
  for (const folder of ["bin", "proc", "sys", "dev", "tmp", "modules", "app"]) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  await copyFile(busybox(), path.join(root, "bin/busybox"));
  const node = path.join(root, "bin/node");
  // Symbols are half of it, and every byte is unpacked by an emulated processor.
  await run("strip", ["-o", node, await realpath(process.execPath)]);
  for (const library of await librariesOf(process.execPath)) {
    await mkdir(path.join(root, path.dirname(library)), { recursive: true });
    await copyFile(library, path.join(root, library));
  }
  const load: string[] = [];
  for (const file of kernelFiles().modules) {
    const name = path.basename(file);
    await copyFile(file, path.join(root, "modules", name));
    load.push(`insmod /modules/${name} ${guest.moduleArguments?.[path.basename(file, ".ko")] ?? ""}`);
  }
  await writeFile(path.join(root, "modules/load.sh"), `${load.join("\n")}\n`);
  await writeFile(path.join(root, "init"), INIT);
  await chmod(path.join(root, "init"), 0o755);
  await copyFile(guest.program, path.join(root, "app/main.mjs"));
  for (const [place, source] of Object.entries(guest.files)) {
    await cp(source, path.join(root, "app", place), { recursive: true, dereference: true });
  }
  const archive = path.join(dir, "initramfs.cpio");
  const pack = `find . | "$0" --create --format newc --quiet > "$1"`;
  try {
    await run("sh", ["-c", pack, installedCommand("cpio"), archive], { cwd: root });
  } catch (cause) {
    throw new TestingError(`cannot pack ${root}: ${String(cause)}`, { code: "initramfs", cause });
  }
  return archive;
}
