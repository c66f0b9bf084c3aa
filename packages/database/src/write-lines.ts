import type { DatabaseClient, WriteTarget } from "./client.ts";

/** A line that the database will never take: its index among those written, and why. */
export interface RefusedLine {
  readonly index: number;
  readonly reason: string;
}

/**
 * Writes lines and resolves with those refused; all others are stored. Writing a line again changes nothing, so halving
 * finds exactly the lines at fault.
 * @throws {DatabaseError | UnreachableError} when it cannot be told what is stored; the same write is due again
 */
export async function writeLines(
  client: DatabaseClient,
  lines: readonly string[],
  target: WriteTarget,
): Promise<RefusedLine[]> {
  const refusal = lines.length === 0 ? undefined : await client.write(lines.join("\n"), target);
  if (refusal === undefined) return [];
  const dropped = /dropped=(\d+)/.exec(refusal.message)?.[1];
  if (lines.length === 1 || (dropped !== undefined && Number(dropped) === lines.length)) {
    return lines.map((_line, index) => ({ index, reason: refusal.message }));
  }
  const middle = lines.length >> 1;
  const first = await writeLines(client, lines.slice(0, middle), target);
  const second = await writeLines(client, lines.slice(middle), target);
  return [...first, ...second.map(({ index, reason }) => ({ index: index + middle, reason }))];
}
