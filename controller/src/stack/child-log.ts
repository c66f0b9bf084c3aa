import { z } from "zod";
import { type Context, say } from "../context.ts";
import type { StackEvents } from "./stack.ts";

const logLine = z.looseObject({ msg: z.string(), err: z.looseObject({ message: z.string() }).optional() });

function messageOf(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const { msg, err } = logLine.parse(JSON.parse(line));
    return err === undefined ? msg : `${msg}: ${err.message}`;
  } catch {
    // Not of our logger: shown as it is.
    return line;
  }
}

/** Shows what the parts of a stack log: readable on a terminal, as they wrote it in a pipe. */
export function childLog(context: Context): StackEvents {
  const terminal = context.stderr.isTTY === true;
  return {
    onNote: (message) => say(context, `edgewatt: ${message}`),
    onLine: (name, line) => say(context, terminal ? `${name}: ${messageOf(line)}` : line),
    onCrash: (name, how, restartInMs) =>
      say(context, `edgewatt: ${name} ended (${how}); starting it again in ${restartInMs / 1000} s`),
  };
}
