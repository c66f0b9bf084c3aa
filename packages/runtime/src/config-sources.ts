import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { parseDocument } from "yaml";
import { booleanWord } from "./boolean-word.ts";
import type { ConfigKey } from "./config-keys.ts";
import { systemErrorCode } from "./system-error-code.ts";

/** What one source says: values by key, where each comes from, and what cannot be read. */
export interface ConfigSource {
  readonly values: Record<string, unknown>;
  /** How a reader finds the value again: `--mqtt-port`, `EDGEWATT_MQTT_PORT`, `edgewatt.yaml broker.mqttPort`. */
  readonly origins: Record<string, string>;
  readonly issues: string[];
}

const DEFAULT_FILE = "edgewatt.yaml";

function numberOf(text: string): unknown {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text;
}

/** Text that cannot be converted stays text, and the schema then says what it expected. */
function valueOf(key: ConfigKey, text: string): unknown {
  switch (key.kind) {
    case "number":
      return numberOf(text);
    case "boolean":
      return booleanWord(text) ?? text;
    case "list":
      return text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "")
        .map((item) => (key.itemKind === "number" ? numberOf(item) : item));
    case "string":
    case "nested":
      return text;
  }
}

/** Variables that name no key of this service belong to another one and are left alone; empty ones count as unset. */
export function readEnvironment(keys: readonly ConfigKey[], env: NodeJS.ProcessEnv): ConfigSource {
  const source: ConfigSource = { values: {}, origins: {}, issues: [] };
  for (const key of keys) {
    const text = env[key.variable];
    if (text === undefined || text === "") continue;
    if (key.kind === "nested") {
      source.issues.push(`${key.variable}: can be set in the configuration file only`);
      continue;
    }
    source.values[key.key] = valueOf(key, text);
    source.origins[key.key] = key.variable;
  }
  return source;
}

/** The flags of a service, and the `--config FILE` that every service takes. */
export function readFlags(keys: readonly ConfigKey[], argv: readonly string[]): ConfigSource & { configFile?: string } {
  const source: ConfigSource & { configFile?: string } = { values: {}, origins: {}, issues: [] };
  const byFlag = new Map(keys.filter((key) => key.kind !== "nested").map((key) => [key.flag, key]));
  const options: Record<string, { type: "string" | "boolean" }> = {
    config: { type: "string" },
    help: { type: "boolean" },
  };
  for (const [flag, key] of byFlag) options[flag.slice(2)] = { type: key.kind === "boolean" ? "boolean" : "string" };

  // Not strict: that would stop at the first problem, and all of them are to be reported.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  let unknownAt = -2;
  for (const token of tokens) {
    if (token.kind === "positional" && token.index !== unknownAt + 1) {
      source.issues.push(`${token.value}: unexpected argument; values belong to a flag`);
    }
    if (token.kind !== "option") continue;
    const flag = token.rawName;
    const negated = flag.startsWith("--no-") ? byFlag.get(`--${flag.slice(5)}`) : undefined;
    const key = byFlag.get(flag);
    const missing = token.value === undefined || (!token.inlineValue && /^-\D/.test(token.value));
    if (!key && negated?.kind === "boolean" && token.value === undefined) {
      source.values[negated.key] = false;
      source.origins[negated.key] = flag;
    } else if (flag === "--config") {
      if (missing) source.issues.push("--config: needs a file");
      else source.configFile = token.value;
    } else if (!key) {
      if (flag === "--help") continue;
      source.issues.push(`${flag}: unknown flag; --help lists them`);
      // What follows an unknown flag is most likely its value, no problem of its own.
      if (!token.inlineValue) unknownAt = token.index;
    } else if (key.kind === "boolean" && token.value === undefined) {
      source.values[key.key] = true;
      source.origins[key.key] = flag;
    } else if (missing) {
      source.issues.push(`${flag}: needs a value; write ${flag}=VALUE when it begins with a dash`);
    } else {
      const value = valueOf(key, token.value);
      const before = source.values[key.key];
      source.values[key.key] =
        key.kind === "list" && Array.isArray(before) ? [...before, ...(value as unknown[])] : value;
      source.origins[key.key] = flag;
    }
  }
  return source;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The section of one service in the file that was named, or in `edgewatt.yaml` where there is one. */
export function readFile(options: { named: string | undefined; section: string; cwd: string }): ConfigSource {
  const { named, section, cwd } = options;
  const source: ConfigSource = { values: {}, origins: {}, issues: [] };
  const file = named ?? DEFAULT_FILE;
  let text: string;
  try {
    text = readFileSync(path.resolve(cwd, file), "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (named !== undefined || code !== "ENOENT") {
      source.issues.push(`${file}: cannot be read (${code}): check the path or drop --config and EDGEWATT_CONFIG`);
    }
    return source;
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    source.issues.push(
      ...document.errors.map((error) => `${file}: ${error.message.split("\n")[0]?.replace(/:$/, "")}`),
    );
    return source;
  }
  let content: unknown;
  try {
    content = document.toJS() ?? {};
  } catch (error) {
    // An alias is resolved only here.
    source.issues.push(`${file}: ${(error as Error).message}`);
    return source;
  }
  if (!isRecord(content)) {
    source.issues.push(`${file}: expected one section per service, such as "${section}:"`);
    return source;
  }
  const own = content[section] ?? {};
  if (!isRecord(own)) {
    source.issues.push(`${file} ${section}: expected keys and values`);
    return source;
  }
  for (const [key, value] of Object.entries(own)) {
    source.values[key] = value;
    source.origins[key] = `${file} ${section}.${key}`;
  }
  return source;
}
