import { z } from "zod";
import type { ConfigKey } from "./config-keys.ts";
import type { ConfigSource } from "./config-sources.ts";

/** What is needed to say where a value comes from and what may stand there. */
interface Place {
  readonly schema: z.ZodObject;
  readonly merged: ConfigSource;
  readonly keys: readonly ConfigKey[];
}

/** Lines for a person, each `place: what is wrong`. A file gives whole paths; a flag or variable gives one value. */
export function describeIssue(issue: z.core.$ZodIssue, place: Place): string[] {
  const { merged, keys } = place;
  const [first, ...rest] = issue.path;
  const origin = first === undefined ? "" : `${merged.origins[String(first)] ?? String(first)}${formatPath(rest)}`;
  if (issue.code === "unrecognized_keys") {
    if (first === undefined) {
      return issue.keys.map((name) => `${merged.origins[name] ?? name}: unknown key; --help lists the known ones`);
    }
    const known = knownKeys(place, issue.path);
    const hint = known.length === 0 ? "" : `; known are ${known.join(", ")}`;
    return issue.keys.map((name) => `${origin}.${name}: unknown key${hint}`);
  }
  if (first === undefined) return [plain(issue.message)];
  const value = valueAt(merged.values, issue.path);
  const key = keys.find((candidate) => candidate.key === first);
  if (key && merged.values[key.key] === undefined) {
    const how = key.kind === "nested" ? "set it in the configuration file" : `pass ${key.flag} or set ${key.variable}`;
    return [`${key.kind === "nested" ? key.key : key.flag}: is required: ${how}`];
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map(({ message }) => `${origin}: this name cannot be used: ${plain(message)}`);
  }
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    const choices = discriminators(place, issue.path).join(", ");
    return [
      value === undefined
        ? `${origin}: is required: one of ${choices}`
        : `${origin}: expected one of ${choices}, not ${JSON.stringify(value)}`,
    ];
  }
  return [`${origin}: ${value === undefined ? "is required" : plain(issue.message)}`];
}

function formatPath(steps: readonly PropertyKey[]): string {
  return steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
}

function valueAt(root: unknown, steps: readonly PropertyKey[]): unknown {
  return steps.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], root);
}

/** Words of a YAML file in place of those of a program. */
const WORDS: Readonly<Record<string, string>> = {
  record: "keys and values",
  object: "keys and values",
  array: "a list",
  string: "text",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

const BOUNDS: Readonly<Record<string, string>> = {
  "<=": "at most",
  "<": "less than",
  ">=": "at least",
  ">": "more than",
};

function plain(message: string): string {
  const text = message.replace(/^Invalid (input|option): /, "");
  const bound = /^Too (?:big|small): expected number to be ([<>]=?)(\S+)$/.exec(text);
  if (bound !== null) return `expected ${BOUNDS[bound[1] ?? ""]} ${bound[2]}`;
  const types = /^expected (\w+), received (\w+)$/.exec(text);
  if (types === null) return text;
  const [, expected = "", received = ""] = types;
  return `expected ${WORDS[expected] ?? expected}, not ${WORDS[received] ?? received}`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

function members(schema: JsonSchema): readonly JsonSchema[] {
  return schema.oneOf ?? schema.anyOf ?? [schema];
}

/** Whether a member of a union is the one that the value names by its constants. */
function isMeant(schema: JsonSchema, value: unknown): boolean {
  return Object.entries(schema.properties ?? {}).every(
    ([name, property]) => property.const === undefined || property.const === valueAt(value, [name]),
  );
}

/** The schemas that a value at a path may have, the values on the way deciding between the members of unions. */
function schemasAt({ schema, merged }: Place, path: readonly PropertyKey[]): readonly JsonSchema[] {
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  let schemas: readonly JsonSchema[] = [root];
  for (const [depth, step] of path.entries()) {
    const value = valueAt(merged.values, path.slice(0, depth));
    schemas = schemas
      .flatMap(members)
      .filter((member) => isMeant(member, value))
      .flatMap((member) => {
        const { properties, additionalProperties, items } = member;
        const next = typeof step === "number" ? items : (properties?.[String(step)] ?? additionalProperties);
        return typeof next === "object" ? [next] : [];
      });
  }
  return schemas.flatMap(members);
}

function knownKeys(place: Place, path: readonly PropertyKey[]): string[] {
  const value = valueAt(place.merged.values, path);
  const meant = schemasAt(place, path).filter((schema) => isMeant(schema, value));
  return [...new Set(meant.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** The constants that may stand at the path of a union's discriminator. */
function discriminators(place: Place, path: readonly PropertyKey[]): string[] {
  const name = String(path.at(-1));
  const constants = schemasAt(place, path.slice(0, -1)).map(({ properties }) => properties?.[name]?.const);
  return constants.filter((constant) => typeof constant === "string");
}
