import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { INSTANCE_ID } from "@edgewatt/protocol";
import { systemErrorCode, writeFileAtomic } from "@edgewatt/runtime";

const FILE = "ingest-id";
const MAX_HOST = 40;
const RANDOM_BYTES = 3;

/**
 * The name of the instance whose data folder this is: made when it is first needed, from the host's name and chance, and the
 * same after every start, so that a restart takes its own place again. @throws {FileError}
 */
export async function instanceId(dataFolder: string): Promise<string> {
  const file = path.join(dataFolder, FILE);
  const kept = await read(file);
  if (kept !== undefined) return kept;
  const made = `${hostPart()}-${randomBytes(RANDOM_BYTES).toString("hex")}`;
  await writeFileAtomic(file, `${made}\n`);
  // Of two that start at once on one folder the later write counts; they then find out that they are two.
  return (await read(file)) ?? made;
}

async function read(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, "utf8")).trim();
    return INSTANCE_ID.test(text) ? text : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function hostPart(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, MAX_HOST);
  return name === "" ? "ingest" : name;
}
