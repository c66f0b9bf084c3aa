import { hash } from "node:crypto";

/**
 * The id that a key falls to by rendezvous hashing: the one with the highest hash of id and key (Thaler and Ravishankar 1998,
 * "Using name-based mappings to increase hit rates"). When an id goes, only its own keys move; `undefined` without ids.
 */
export function ownerOf(key: string, ids: Iterable<string>): string | undefined {
  let owner: string | undefined;
  let highest = "";
  for (const id of ids) {
    // Neither ids nor devices hold a line break, so no two pairs make the same text.
    const weight = hash("sha256", `${id}\n${key}`, "hex");
    if (weight > highest) [owner, highest] = [id, weight];
  }
  return owner;
}
