/** Where text goes; `process.stdout` and `process.stderr` outside tests. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Everything that a command takes from outside, so that tests can give it something else. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Path under which `/proc`, `/sys` and `/dev` are found; nothing in production. */
  readonly root?: string;
  /** Aborts when the user asks the command to end (Ctrl-C, SIGTERM). */
  readonly signal: AbortSignal;
}

/** The one JSON document of a command with `--json`. */
export function printJson(context: Context, document: unknown): void {
  context.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** What a command found, for people. */
export function print(context: Context, text: string): void {
  context.stdout.write(`${text}\n`);
}

/** A message beside the result: on stderr, so that a pipe gets the result alone. */
export function say(context: Context, text: string): void {
  context.stderr.write(`${text}\n`);
}

/** What the definition of a command needs of the application. */
export interface App {
  readonly context: Context;
  /** Ends the command with this exit code though nothing was thrown. */
  readonly exitWith: (code: number) => void;
}
