import { mkdir } from "node:fs/promises";
import path from "node:path";
import { FileError } from "@edgewatt/runtime";
import writeFileAside from "write-file-atomic";
import { alertSettings } from "./alerts/settings.ts";
import type { BuildConfig } from "./config.ts";
import { generate } from "./generate.ts";

export interface Built {
  readonly out: string;
  readonly files: readonly string[];
  /** How Grafana will tell of alerts; `null`: it tells nobody. */
  readonly contact: string | null;
}

/** @throws {FileError} */
async function write(file: string, content: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAside(file, content);
  } catch (cause) {
    throw new FileError(
      `cannot write ${file} (${(cause as Error).message}): make its folder writable or pass --out DIR`,
      { code: "write-failed", context: { file }, cause },
    );
  }
}

/** Writes the generated files; each is written whole or not at all. @throws {FileError} {ConfigError} */
export async function build(config: BuildConfig): Promise<Built> {
  const { out } = config;
  const settings = alertSettings(config);
  const files: string[] = [];
  for (const { path: name, content } of generate(settings)) {
    const file = path.join(out, ...name.split("/"));
    await write(file, content);
    files.push(file);
  }
  return { out, files, contact: settings.contact?.type ?? null };
}
