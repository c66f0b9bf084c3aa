import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { FileError, systemErrorCode } from "@edgewatt/runtime";
import writeFileAside from "write-file-atomic";
import { alertSettings } from "./alerts/settings.ts";
import type { BuildConfig } from "./config.ts";
import { CONTACT_FILES, generate } from "./generate.ts";
import { GENERATED } from "./provisioning/yaml.ts";

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

/** Removes a file that an earlier build has written; one that somebody else has put there stays. @throws {FileError} */
async function removeGenerated(file: string): Promise<void> {
  try {
    if ((await readFile(file, "utf8")).startsWith(GENERATED)) await rm(file);
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT") return;
    throw new FileError(
      `cannot remove ${file} of an earlier build (${(cause as Error).message}): remove it, or Grafana goes on telling its contact`,
      { code: "remove-failed", context: { file }, cause },
    );
  }
}

/**
 * Writes the generated files; each is written whole or not at all. Without a contact, those of an earlier one are removed.
 * @throws {FileError} {ConfigError}
 */
export async function build(config: BuildConfig): Promise<Built> {
  const { out } = config;
  const settings = alertSettings(config);
  const place = (name: string) => path.join(out, ...name.split("/"));
  const files: string[] = [];
  for (const { path: name, content } of generate(settings)) {
    const file = place(name);
    await write(file, content);
    files.push(file);
  }
  if (settings.contact === undefined) for (const name of CONTACT_FILES) await removeGenerated(place(name));
  return { out, files, contact: settings.contact?.type ?? null };
}
