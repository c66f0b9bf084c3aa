import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../context.ts";
import type { DataOption } from "../options.ts";
import { type Check, ok, warn } from "./check.ts";

const MB = 1e6;
/** An agent whose telemetry becomes durable keeps less than this on its disk. */
const USUAL_BYTES = 4 * MB;

/**
 * Telemetry on this machine's disk that is not durable yet, one line for each agent that used the data folder: what an agent cannot tell
 * while it has no broker.
 */
export async function checkSpoolFiles({ cwd }: Context, { data }: DataOption): Promise<Check[]> {
  const home = path.resolve(cwd, data);
  const names = await readdir(home).catch((): string[] => []);
  const checks = await Promise.all(
    names
      .filter((name) => name.startsWith("agent-"))
      .map((name) => checkSpoolFile(name.slice("agent-".length), path.join(home, name, "spool"))),
  );
  return checks.filter((check) => check !== undefined);
}

async function checkSpoolFile(device: string, dir: string): Promise<Check | undefined> {
  const names = await readdir(dir).catch(() => undefined);
  if (names === undefined) return undefined;
  const segments = names.filter((name) => name.endsWith(".seg"));
  // A file goes as soon as it is durable, perhaps just now.
  const sizes = await Promise.all(
    segments.map(async (name) =>
      stat(path.join(dir, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const name = `spool of ${device}`;
  const message = `${(bytes / MB).toFixed(1)} MB in ${dir}`;
  const check =
    bytes <= USUAL_BYTES
      ? ok(name, message)
      : warn(
          name,
          `${message} wait to become durable`,
          "they go when broker and ingest take them: see the lines on these",
        );
  return { ...check, figures: { bytes } };
}
