import { ConfigError, EXIT, helpText, loadConfig } from "@edgewatt/runtime";
import type { z } from "zod";
import { build } from "./build.ts";
import { buildConfig, pushConfig } from "./config.ts";
import type { Outcome } from "./push/outcome.ts";
import { push } from "./push/push.ts";

/** Where a command line is run. */
export interface Place {
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the configuration file; the output is relative to that of the process. */
  readonly cwd: string;
  /** What was asked for, on stdout. */
  readonly print: (text: string) => void;
  /** What one should know besides, on stderr. */
  readonly say: (text: string) => void;
}

const SECTION = "dashboards";
const SCHEMAS = { build: buildConfig, push: pushConfig } as const;
type CommandName = keyof typeof SCHEMAS;

const SUMMARIES: Readonly<Record<CommandName, string>> = {
  build: "write dashboards, alerts and provisioning as files, generated from the metrics catalogue",
  push: "bring dashboards and alerts into a Grafana over its HTTP API",
};

const USAGE = `edgewatt dashboards: Grafana dashboards and alerts

${Object.entries(SUMMARIES)
  .map(([name, summary]) => `  ${name.padEnd(6)} ${summary}`)
  .join("\n")}

edgewatt dashboards COMMAND --help lists the flags of a command.
`;

/** Both commands read one section of the file, each its own keys. */
function configOf<S extends z.ZodObject>(schema: S, argv: readonly string[], { env, cwd }: Place): z.output<S> {
  return loadConfig({
    section: SECTION,
    schema,
    argv,
    env,
    cwd,
    otherKeys: Object.values(SCHEMAS).flatMap(({ shape }) => Object.keys(shape)),
  });
}

function line({ action, kind, title, reason }: Outcome): string {
  return `${action.padEnd(9)}  ${kind.padEnd(19)}  ${title}${reason === undefined ? "" : `: ${reason}`}\n`;
}

const NO_CONTACT = "no contact point: Grafana lists alerts and tells nobody; pass --contact and --contact-address";

async function runBuild(argv: readonly string[], place: Place): Promise<number> {
  const { print, say } = place;
  const config = configOf(buildConfig, argv, place);
  const built = await build(config);
  print(config.json ? `${JSON.stringify(built)}\n` : built.files.map((file) => `${file}\n`).join(""));
  if (built.contact === null) say(NO_CONTACT);
  return EXIT.ok;
}

/** The name that the flag has on a command line, beside that of its variable. */
function spelledOut(argv: readonly string[]): string[] {
  return argv.map((word) => word.replace(/^--token(?==|$)/, "--grafana-token"));
}

async function runPush(argv: readonly string[], place: Place): Promise<number> {
  const { print, say } = place;
  const config = configOf(pushConfig, spelledOut(argv), place);
  const pushed = await push(config, (outcome) => {
    if (!config.json) print(line(outcome));
  });
  if (config.json) print(`${JSON.stringify(pushed)}\n`);
  if (config.alerts && config.contact === undefined) say(NO_CONTACT);
  if (config.dryRun) say("nothing was changed: --dry-run");
  return pushed.outcomes.some(({ action }) => action === "conflict") ? EXIT.failed : EXIT.ok;
}

/** Runs one command line; resolves with its exit code. @throws {EdgewattError} */
export async function runCommand([name, ...argv]: readonly string[], place: Place): Promise<number> {
  if (name === "--help") {
    place.print(USAGE);
    return EXIT.ok;
  }
  if (name !== "build" && name !== "push") {
    throw new ConfigError([`${name ?? "no command"}: expected build or push; edgewatt dashboards --help tells more`]);
  }
  if (argv.includes("--help")) {
    const title = `edgewatt dashboards ${name}`;
    place.print(helpText({ name: title, section: SECTION, schema: SCHEMAS[name], summary: SUMMARIES[name] }));
    return EXIT.ok;
  }
  return name === "build" ? runBuild(argv, place) : runPush(argv, place);
}
