import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { EdgewattError } from "@edgewatt/protocol";
import writeFileAside from "write-file-atomic";
import { generate } from "./generate.ts";

/** Wrong usage, or an output folder that cannot be written. */
export class CommandError extends EdgewattError {}

const DEFAULT_OUT = path.join("reports", "grafana");

const HELP = `Usage: edgewatt dashboards build [--out DIR] [--json]

Writes the Grafana dashboards and provisioning files, generated from the metrics catalogue.

  --out DIR   folder to write to (default ${DEFAULT_OUT})
  --json      print one JSON document with the files
  --help      print this text
`;

export interface Output {
  readonly stdout: string;
}

function parse(argv: readonly string[]): { out: string; json: boolean; help: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        out: { type: "string", default: DEFAULT_OUT },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help || (positionals.length === 1 && positionals[0] === "build")) return values;
  } catch (cause) {
    throw usage((cause as Error).message.split("\n")[0] ?? "", cause);
  }
  throw usage(`unknown arguments: ${argv.join(" ") || "none"}`);
}

function usage(problem: string, cause?: unknown): CommandError {
  return new CommandError(`${problem}: expected build [--out DIR] [--json]`, { code: "usage", cause });
}

async function write(file: string, content: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAside(file, content);
  } catch (cause) {
    throw new CommandError(
      `cannot write ${file} (${(cause as Error).message}): make its folder writable or pass --out DIR`,
      {
        code: "write-failed",
        context: { file },
        cause,
      },
    );
  }
}

/** Runs `build`; each file is written whole or not at all. @throws {CommandError} */
export async function runCommand(argv: readonly string[]): Promise<Output> {
  const { out, json, help } = parse(argv);
  if (help) return { stdout: HELP };
  const files: string[] = [];
  for (const { path: name, content } of generate()) {
    const file = path.join(out, ...name.split("/"));
    await write(file, content);
    files.push(file);
  }
  return { stdout: json ? `${JSON.stringify({ out, files })}\n` : files.map((file) => `${file}\n`).join("") };
}
