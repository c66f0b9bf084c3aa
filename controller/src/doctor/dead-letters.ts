import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../context.ts";
import type { DataOption } from "../options.ts";
import { type Check, ok, warn } from "./check.ts";

const SHOWN = 3;
const KB = 1e3;

/** The files of an ingest that used the data folder, with what its database refused. */
export async function checkDeadLetters({ cwd }: Context, { data }: DataOption): Promise<Check> {
  const name = "dead letters";
  const dir = path.join(path.resolve(cwd, data), "dead-letters");
  const names = (await readdir(dir).catch((): string[] => [])).sort();
  if (names.length === 0) return ok(name, "none in the data folder");
  const sizes = await Promise.all(names.map(async (file) => (await stat(path.join(dir, file))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const shown =
    names.length > SHOWN ? `${names.slice(-SHOWN).join(", ")} and ${names.length - SHOWN} before` : names.join(", ");
  return {
    ...warn(
      name,
      `${names.length === 1 ? "1 file" : `${names.length} files`}, ${Math.ceil(bytes / KB)} kB in ${dir}: ${shown}`,
      "each says why above its lines; remove what is settled",
    ),
    figures: { files: names.length, bytes },
  };
}
