import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "@edgewatt/runtime";

/**
 * The number of this start of the agent: one more than the number on disk, which is then replaced. When the disk has none,
 * it continues above the one that the broker remembers, which `retained` fetches.
 * @param spooled the newest start whose batches are not delivered yet: two starts of one number would share their names
 */
export async function nextBoot(
  path: string,
  retained: () => Promise<number | undefined>,
  spooled = 0,
): Promise<number> {
  const last = Math.max((await readNumber(path)) ?? (await retained()) ?? 0, spooled);
  const boot = last + 1;
  await writeFileAtomic(path, `${boot}\n`);
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
