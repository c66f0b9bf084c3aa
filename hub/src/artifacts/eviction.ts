import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { SHA256 } from "@edgewatt/protocol";
import type { References } from "./references.ts";

/** An upload comes before the command that names it, and a page may be about to read it: such files are left alone. */
export const GRACE_MS = 3_600_000;

export interface Candidate {
  readonly sha256: string;
  readonly bytes: number;
}

/** The artifacts that may go, in the order in which they should: unnamed ones first, then what can be made again; of each the one not used for longest. */
export async function evictionOrder(dir: string, { kept, remakeable }: References): Promise<Candidate[]> {
  const names = (await readdir(dir)).filter((name) => SHA256.test(name) && !kept.has(name));
  const files = await Promise.all(
    names.map(async (sha256) => {
      const { size, mtimeMs } = await stat(path.join(dir, sha256));
      return { sha256, bytes: size, mtimeMs, canBeMade: remakeable.has(sha256) };
    }),
  );
  return files
    .filter(({ mtimeMs }) => Date.now() - mtimeMs > GRACE_MS)
    .sort((a, b) => Number(a.canBeMade) - Number(b.canBeMade) || a.mtimeMs - b.mtimeMs);
}
