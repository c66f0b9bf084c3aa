import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "@edgewatt/runtime";
import { unlessDiskState } from "./agent-folder.ts";

/**
 * The number of this start of the agent: one above the number on disk and the newest that is known elsewhere, whichever is higher: the
 * disk may be new, or an old copy. It replaces the number on disk.
 * @param newest of those that the broker remembers and those whose batches are not delivered yet: two starts of one number would share
 *   the names of their batches
 */
export async function nextBoot(path: string, newest: number | undefined): Promise<number> {
  const boot = Math.max((await readNumber(path)) ?? 0, newest ?? 0) + 1;
  // Without its disk it goes by what the broker remembers.
  await writeFileAtomic(path, `${boot}\n`).catch(unlessDiskState);
  return boot;
}

async function readNumber(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  const value = Number(text.trim());
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
