import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installedCommand } from "../require-system.ts";

/** The simulator's sources, which are not copied into `dist`. */
const SOURCES = fileURLToPath(new URL("../../src/i2c/sim", import.meta.url));
const OPTIONS = ["-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"];
const LIBRARIES = ["-ldl", "-lm", "-lpthread"];

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Compiles C with the simulator's headers at hand; the output is a library unless `sources` hold a `main`. */
export async function compileC(output: string, sources: readonly string[], kind: "library" | "program"): Promise<void> {
  const shape = kind === "library" ? ["-shared", "-fPIC"] : [];
  const args = [...OPTIONS, ...shape, "-I", SOURCES, "-o", output, ...sources, ...LIBRARIES];
  await promisify(execFile)(installedCommand("gcc"), args);
}

/** Paths of the simulator's C files. */
export async function simulatorSources(): Promise<readonly string[]> {
  const names = await readdir(SOURCES);
  return names.filter((name) => name.endsWith(".c")).map((name) => path.join(SOURCES, name));
}

/** The shim as a shared library, compiled once for each state of its sources (needs `requireSystem("gcc")`). */
export async function compileSimulator(): Promise<string> {
  const hash = createHash("sha256").update(OPTIONS.join(" "));
  for (const name of (await readdir(SOURCES)).toSorted()) {
    hash.update(name).update(await readFile(path.join(SOURCES, name)));
  }
  const cache = path.join(tmpdir(), `edgewatt-simulated-bus-${userInfo().uid}`);
  const library = path.join(cache, `${hash.digest("hex").slice(0, 16)}-${process.arch}.so`);
  if (await exists(library)) return library;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(path.join(cache, "build-"));
  try {
    const built = path.join(work, "shim.so");
    await compileC(built, await simulatorSources(), "library");
    // Another process may have been as quick; theirs is the same.
    await rename(built, library);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return library;
}
