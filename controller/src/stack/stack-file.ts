import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { FileError, identityOf, isAlive, processIdentitySchema, writeFileAtomic } from "@edgewatt/runtime";
import { z } from "zod";

const readySchema = z.object({
  mqtt: z.string(),
  ws: z.string().optional(),
  hub: z.string(),
  influx: z.string().nullable(),
  data: z.string(),
  device: z.string(),
  /** Where each part shows its metrics, for those that do. */
  metrics: z.record(z.string(), z.string()).optional(),
});
const stackSchema = readySchema.extend(processIdentitySchema.shape);

/** What `up` has started, as its ready line says it. */
export type StackReady = z.infer<typeof readySchema>;

function fileIn(dataDir: string): string {
  return path.join(dataDir, "stack.json");
}

export async function writeStackFile(ready: StackReady): Promise<void> {
  const document = { ...ready, ...identityOf(process.pid) };
  await writeFileAtomic(fileIn(ready.data), `${JSON.stringify(document, null, 2)}\n`);
}

export async function removeStackFile(dataDir: string): Promise<void> {
  await rm(fileIn(dataDir), { force: true });
}

/** The stack that runs on a data folder; `undefined` when none does, also when a killed one left its file. @throws {FileError} */
export async function readStackFile(dataDir: string): Promise<StackReady | undefined> {
  let text: string;
  try {
    text = await readFile(fileIn(dataDir), "utf8");
  } catch {
    return undefined;
  }
  const { pid, startTicks, bootId, ...ready } = decode(dataDir, text);
  return isAlive({ pid, startTicks, bootId }) ? ready : undefined;
}

function decode(dataDir: string, text: string): z.infer<typeof stackSchema> {
  try {
    return stackSchema.parse(JSON.parse(text));
  } catch (cause) {
    const file = fileIn(dataDir);
    throw new FileError(`${file} is damaged or of another version: stop its stack, remove the file, and start again`, {
      code: "bad-stack-file",
      context: { file },
      cause,
    });
  }
}
