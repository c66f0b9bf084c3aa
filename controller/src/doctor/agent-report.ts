import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { ControllerError } from "../errors.ts";
import { scriptOf } from "../stack/bins.ts";

const run = promisify(execFile);
/** A scan of several buses of 16 addresses, and a reading of each meter. */
const TIMEOUT_MS = 30_000;

const chipsSchema = z.array(
  z.looseObject({ bus: z.number(), address: z.number(), chip: z.string(), evidence: z.string() }),
);
/** A power monitor that answers on an I²C bus, and what it is known by. */
export type FoundChip = z.infer<typeof chipsSchema>[number];

const inspectionSchema = z.looseObject({
  sources: z.array(z.looseObject({ source: z.string(), found: z.boolean(), detail: z.string() })),
  ownedByKernel: z.array(z.looseObject({ chip: z.string(), device: z.string() })),
  meters: z.array(
    z.looseObject({
      meter: z.string(),
      source: z.string(),
      channels: z.array(z.string()),
      i2c: z.looseObject({ bus: z.number(), address: z.number() }).nullable(),
      watts: z.array(z.number().nullable()).nullable(),
      fault: z.string().nullable(),
    }),
  ),
  table: z.string().nullable(),
  issues: z.array(z.string()),
});
/** Sources of power and configured meters as the agent sees them. */
export type Inspection = z.infer<typeof inspectionSchema>;

export interface AgentQuestion {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** May write to the I²C buses. */
  readonly probe: boolean;
  readonly config: string | undefined;
}

/** Looks for chips on all I²C buses. @throws {ControllerError} code `agent-script` */
export async function findChips(question: AgentQuestion): Promise<readonly FoundChip[]> {
  return ask("sensors/probe-child.js", chipsSchema, [], question);
}

/** @throws {ControllerError} code `agent-script` */
export async function inspectSources(question: AgentQuestion): Promise<Inspection> {
  const config = question.config === undefined ? [] : ["--config", question.config];
  return ask("sensors/inspect-child.js", inspectionSchema, config, question);
}

/** Scripts of the agent's package run in processes of their own: i2c-bus loads in one at a time. */
async function ask<S extends z.ZodType>(
  script: string,
  answer: S,
  args: readonly string[],
  { root, env, cwd, probe }: AgentQuestion,
): Promise<z.output<S>> {
  const file = scriptOf("agent", script);
  const flags = [...args, ...(root === "" ? [] : ["--root", root]), ...(probe ? ["--probe"] : [])];
  try {
    const { stdout } = await run(process.execPath, [file, ...flags], { env, cwd, timeout: TIMEOUT_MS });
    return answer.parse(JSON.parse(stdout));
  } catch (cause) {
    const said = cause instanceof Error ? (cause.message.trim().split("\n").at(-1) ?? "") : String(cause);
    throw new ControllerError(`cannot look for sensors with ${file}: ${said}`, { code: "agent-script", cause });
  }
}
