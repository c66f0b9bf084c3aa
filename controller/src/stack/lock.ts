import { open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { FileError, systemClock, systemErrorCode } from "@edgewatt/runtime";
import { ControllerError } from "../errors.ts";
import { identityOf, isAlive, type ProcessIdentity, processIdentitySchema } from "./process-identity.ts";

/** The right of one stack to use a data folder. */
export interface DataLock {
  release(): Promise<void>;
}

/** A lock appears a moment before its content. */
const WRITING_MS = 200;

async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  const holder = await readHolder(file);
  if (holder !== undefined) return holder;
  await systemClock.sleep(WRITING_MS);
  return readHolder(file);
}

async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return processIdentitySchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // Gone, or cut short by a crash while it was written: nobody holds it.
    return undefined;
  }
}

async function tryCreate(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx");
    await handle.writeFile(JSON.stringify(identityOf(process.pid)));
    await handle.close();
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === "EEXIST") return false;
    throw new FileError(
      `cannot lock the data folder with ${file} (${systemErrorCode(cause)}): make it writable or pass --data DIR`,
      {
        code: "lock-failed",
        context: { file },
        cause,
      },
    );
  }
}

/**
 * Takes a data folder for this process; a lock whose process is dead is taken over.
 * @throws {ControllerError} code `data-in-use` when another stack runs on it
 */
export async function lockDataDir(dir: string): Promise<DataLock> {
  const file = path.join(dir, "stack.lock");
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await tryCreate(file)) return { release: () => rm(file, { force: true }) };
    const holder = await holderOf(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new ControllerError(
        `data folder ${dir} is in use by the stack with process id ${holder.pid}: stop that one or pass --data DIR`,
        { code: "data-in-use", context: { dir, pid: holder.pid } },
      );
    }
    await rm(file, { force: true });
  }
  throw new ControllerError(`data folder ${dir} cannot be locked: other stacks start on it at this moment; try again`, {
    code: "data-in-use",
    retryable: true,
    context: { dir },
  });
}
