import type { z } from "zod";
import type { ConfigKey } from "./config-keys.ts";
import { configKeys } from "./config-keys.ts";

function synopsis(key: ConfigKey): string {
  switch (key.kind) {
    case "boolean":
      return `--[no-]${key.flag.slice(2)}`;
    case "number":
      return `${key.flag} NUMBER`;
    case "list":
      return `${key.flag} A,B,…`;
    case "string":
    case "nested":
      return `${key.flag} ${key.choices ? key.choices.join("|") : "VALUE"}`;
  }
}

function remark(key: ConfigKey): string {
  if (key.required) return " (required)";
  return key.defaultText === "" ? "" : ` (default ${key.defaultText})`;
}

/** What `--help` prints, generated from the schema, so that it names every flag and default there is. */
export function helpText(options: { name: string; section: string; schema: z.ZodObject; summary: string }): string {
  const { name, section, schema, summary } = options;
  const keys = configKeys(schema);
  const flags = keys
    .filter((key) => key.kind !== "nested")
    .map((key) => [synopsis(key), `${key.description}${remark(key)}`] as const);
  const rows = [
    ...flags,
    ["--config FILE", "configuration file (default edgewatt.yaml when present)"] as const,
    ["--help", "this text"] as const,
  ];
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  const nested = keys
    .filter((key) => key.kind === "nested")
    .map((key) => `  ${section}.${key.key}: ${key.description}`);
  return [
    `${name}: ${summary}`,
    "",
    ...rows.map(([left, right]) =>
      left.length > width ? `  ${left}\n  ${" ".repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
    ),
    ...(nested.length > 0 ? ["", "Only in the configuration file:", ...nested] : []),
    "",
    `Each flag --foo-bar is also the variable EDGEWATT_FOO_BAR and the key fooBar under "${section}:" in edgewatt.yaml.`,
    "",
  ].join("\n");
}
