import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "./clock.ts";
import { FileError, RuntimeError } from "./errors.ts";
import { identityOf, isAlive, type ProcessIdentity, processIdentitySchema } from "./process-identity.ts";
import { systemErrorCode } from "./system-error-code.ts";

/** The right of one process to use a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * How long a service waits for the one before it, longer than an orderly stop may take: a supervisor that was killed and started
 * again starts its services while the old ones notice and end.
 */
export const PREDECESSOR_WAIT_MS = 20_000;

const POLL_MS = 200;
/** A lock appears a moment before its content; a machine that is busy may take its time over that. */
const WRITING_MS = 5_000;
const WRITING_POLL_MS = 20;

/** What is in a lock; `undefined` when there is none. */
async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    return systemErrorCode(error) === "ENOENT" ? undefined : "";
  }
}

/** The same, once it is written. */
async function textOf(file: string): Promise<string | undefined> {
  const deadlineMs = performance.now() + WRITING_MS;
  for (;;) {
    const text = await readText(file);
    if (text !== "" || performance.now() > deadlineMs) return text;
    await systemClock.sleep(WRITING_POLL_MS);
  }
}

function holderIn(text: string | undefined): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.parse(JSON.parse(text ?? ""));
  } catch {
    // Gone, or cut short by a crash while it was written: nobody holds it.
    return undefined;
  }
}

async function untilFree(file: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
  while (performance.now() < deadlineMs) {
    const holder = holderIn(await readText(file));
    if (holder === undefined || !isAlive(holder)) return;
    await systemClock.sleep(POLL_MS, signal);
  }
}

async function tryCreate(file: string): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, "wx");
    await handle.writeFile(JSON.stringify(identityOf(process.pid)));
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === "EEXIST") return false;
    if (handle !== undefined) await rm(file, { force: true });
    throw new FileError(
      `cannot lock the data folder with ${file} (${systemErrorCode(cause)}): make it writable or pass --data DIR`,
      { code: "lock-failed", context: { file }, cause },
    );
  } finally {
    await handle?.close();
  }
}

/**
 * Takes a data folder for this process; a lock whose process is dead is taken over.
 * @param role what only one process may do there at a time, such as `ingest`: names the lock's file
 * @param options how long to wait for a process that holds it, until the signal; without them, not at all
 * @throws {RuntimeError} code `data-in-use` when another process does it
 */
export async function lockFolder(
  dir: string,
  role: string,
  { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal } = { waitMs: 0 },
): Promise<FolderLock> {
  const file = path.join(dir, `${role}.lock`);
  const deadlineMs = performance.now() + waitMs;
  for (let dead = 0; dead < 3;) {
    await untilFree(file, deadlineMs, signal);
    if (await tryCreate(file)) return { release: () => rm(file, { force: true }) };
    const text = await textOf(file);
    if (text === undefined) continue;
    const holder = holderIn(text);
    if (holder === undefined || !isAlive(holder)) {
      // Unless another one that waited has just taken it over.
      if ((await readText(file)) === text) await rm(file, { force: true });
      dead++;
      continue;
    }
    // Another one that waited was faster: its turn is as long as that of the one before.
    if (performance.now() < deadlineMs) continue;
    throw new RuntimeError(
      `data folder ${dir} is in use by the ${role} with process id ${holder.pid}: stop that one or pass --data DIR`,
      { code: "data-in-use", context: { dir, role, pid: holder.pid } },
    );
  }
  throw new RuntimeError(`data folder ${dir} cannot be locked: others start on it at this moment; try again`, {
    code: "data-in-use",
    retryable: true,
    context: { dir, role },
  });
}
