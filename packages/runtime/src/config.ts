import type { z } from "zod";
import { describeIssue } from "./config-issues.ts";
import { configKeys } from "./config-keys.ts";
import type { ConfigSource } from "./config-sources.ts";
import { readEnvironment, readFile, readFlags } from "./config-sources.ts";
import { ConfigError } from "./errors.ts";

/**
 * The configuration of one service: defaults < file < environment < flags. The file is `--config FILE`, else
 * `EDGEWATT_CONFIG`, else `edgewatt.yaml` in `cwd` when present, and holds one section per service. A key `fooBar` is the
 * flag `--foo-bar` (booleans also `--no-foo-bar`) and the variable `EDGEWATT_FOO_BAR`; lists are comma-separated; nested
 * objects are for the file alone. Throws one ConfigError that names every problem with the place it comes from.
 * @param otherKeys keys that the section may hold for other commands that read it too
 */
export function loadConfig<S extends z.ZodObject>(options: {
  section: string;
  schema: S;
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  otherKeys?: readonly string[];
}): z.output<S> {
  const { section, schema, argv, env, cwd, otherKeys = [] } = options;
  const keys = configKeys(schema);
  const flags = readFlags(keys, argv);
  const variables = readEnvironment(keys, env);
  const file = readFile({ named: flags.configFile ?? (env["EDGEWATT_CONFIG"] || undefined), section, cwd });
  const others = new Set(otherKeys.filter((name) => !keys.some(({ key }) => key === name)));
  for (const name of others) delete file.values[name];
  const merged: ConfigSource = {
    values: { ...file.values, ...variables.values, ...flags.values },
    origins: { ...file.origins, ...variables.origins, ...flags.origins },
    issues: [...file.issues, ...variables.issues, ...flags.issues],
  };
  const parsed = schema.safeParse(merged.values);
  const issues = [
    ...merged.issues,
    ...(parsed.error?.issues.flatMap((issue) => describeIssue(issue, { schema, merged, keys })) ?? []),
  ];
  if (!parsed.success || issues.length > 0) throw new ConfigError(issues);
  return parsed.data;
}
