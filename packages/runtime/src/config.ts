import type { z } from "zod";
import type { ConfigKey } from "./config-keys.ts";
import { configKeys } from "./config-keys.ts";
import type { ConfigSource } from "./config-sources.ts";
import { readEnvironment, readFile, readFlags } from "./config-sources.ts";
import { ConfigError } from "./errors.ts";

function formatPath(steps: readonly PropertyKey[]): string {
  return steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
}

function valueAt(root: unknown, steps: readonly PropertyKey[]): unknown {
  return steps.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], root);
}

function plain(message: string): string {
  return message.replace(/^Invalid (input|option): /, "");
}

/** A file gives whole paths; a flag or variable gives one value, whose list items are told apart by their position. */
function describe(issue: z.core.$ZodIssue, merged: ConfigSource, keys: readonly ConfigKey[]): string[] {
  const [first, ...rest] = issue.path;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => {
      const origin =
        first === undefined
          ? (merged.origins[name] ?? name)
          : `${merged.origins[String(first)]}${formatPath(rest)}.${name}`;
      return `${origin}: unknown key; --help lists the known ones`;
    });
  }
  if (first === undefined) return [plain(issue.message)];
  const key = keys.find((candidate) => candidate.key === first);
  if (key && merged.values[key.key] === undefined) {
    const how = key.kind === "nested" ? "set it in the configuration file" : `pass ${key.flag} or set ${key.variable}`;
    return [`${key.kind === "nested" ? key.key : key.flag}: is required: ${how}`];
  }
  const missing = valueAt(merged.values, issue.path) === undefined;
  return [
    `${merged.origins[String(first)] ?? String(first)}${formatPath(rest)}: ${missing ? "is required" : plain(issue.message)}`,
  ];
}

/**
 * The configuration of one service: defaults < file < environment < flags. The file is `--config FILE`, else
 * `EDGEWATT_CONFIG`, else `edgewatt.yaml` in `cwd` when present, and holds one section per service. A key `fooBar` is the
 * flag `--foo-bar` (booleans also `--no-foo-bar`) and the variable `EDGEWATT_FOO_BAR`; lists are comma-separated; nested
 * objects are for the file alone. Throws one ConfigError that names every problem with the place it comes from.
 */
export function loadConfig<S extends z.ZodObject>(options: {
  section: string;
  schema: S;
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
}): z.output<S> {
  const { section, schema, argv, env, cwd } = options;
  const keys = configKeys(schema);
  const flags = readFlags(keys, argv);
  const variables = readEnvironment(keys, env);
  const file = readFile({ named: flags.configFile ?? (env["EDGEWATT_CONFIG"] || undefined), section, cwd });
  const merged: ConfigSource = {
    values: { ...file.values, ...variables.values, ...flags.values },
    origins: { ...file.origins, ...variables.origins, ...flags.origins },
    issues: [...file.issues, ...variables.issues, ...flags.issues],
  };
  const parsed = schema.safeParse(merged.values);
  const issues = [...merged.issues, ...(parsed.error?.issues.flatMap((issue) => describe(issue, merged, keys)) ?? [])];
  if (!parsed.success || issues.length > 0) throw new ConfigError(issues);
  return parsed.data;
}
