import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { ControllerError } from "../errors.ts";
import { scriptOf } from "../stack/bins.ts";

const run = promisify(execFile);
/** A scan of several buses of 16 addresses, and a reading of each meter. */
const TIMEOUT_MS = 30_000;

const chipsSchema = z.array(z.looseObject({ address: z.number(), chip: z.string(), evidence: z.string() }));

/** Who answers on an I²C bus, and what it is known by; `unknown` where that is no power monitor that edgewatt reads. */
export interface FoundChip {
  readonly bus: number;
  readonly address: number;
  readonly chip: string;
  readonly evidence: string;
}

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

/** Looks for power monitors on a bus. @throws {ControllerError} code `agent-script` */
export async function findChips(bus: number, question: AgentQuestion): Promise<readonly FoundChip[]> {
  const chips = await ask("sensors/probe-child.js", chipsSchema, [String(bus), ...probeFlag(question)], question);
  return chips.map(({ address, chip, evidence }) => ({ bus, address, chip, evidence }));
}

/** @throws {ControllerError} code `agent-script` */
export async function inspectSources(question: AgentQuestion): Promise<Inspection> {
  const { root, config } = question;
  const flags = [
    ...(config === undefined ? [] : ["--config", config]),
    ...(root === "" ? [] : ["--root", root]),
    ...probeFlag(question),
  ];
  return ask("sensors/inspect-child.js", inspectionSchema, flags, question);
}

function probeFlag({ probe }: AgentQuestion): string[] {
  return probe ? ["--probe"] : [];
}

const refusalSchema = z.looseObject({ message: z.string() });

/** Scripts of the agent's package run in processes of their own: i2c-bus loads in one at a time. */
async function ask<S extends z.ZodType>(
  script: string,
  answer: S,
  args: readonly string[],
  { env, cwd }: AgentQuestion,
): Promise<z.output<S>> {
  const file = scriptOf("agent", script);
  try {
    const { stdout } = await run(process.execPath, [file, ...args], { env, cwd, timeout: TIMEOUT_MS });
    return answer.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new ControllerError(refusalOf(cause) ?? `cannot look for sensors with ${file}: ${lastLine(cause)}`, {
      code: "agent-script",
      cause,
    });
  }
}

/** What the script itself found wrong and printed; `undefined` when it ended otherwise. */
function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("stdout" in error) || typeof error.stdout !== "string") return undefined;
  try {
    return refusalSchema.parse(JSON.parse(error.stdout)).message;
  } catch {
    // It printed something else, or nothing: the error says how it ended.
    return undefined;
  }
}

function lastLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1) ?? "";
}
