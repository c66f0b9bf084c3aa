import { z } from "zod";

/** How one configuration key is spelled and read outside the configuration file. */
export interface ConfigKey {
  readonly key: string;
  readonly flag: string;
  readonly variable: string;
  /** `nested` keys can be set in the file only. */
  readonly kind: "string" | "number" | "boolean" | "list" | "nested";
  readonly itemKind: "string" | "number";
  readonly required: boolean;
  readonly description: string;
  /** The default as a reader would type it; empty where there is none, or where the flag is off. */
  readonly defaultText: string;
  readonly choices: readonly string[] | undefined;
}

interface JsonSchema {
  type?: string;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  default?: unknown;
  description?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isScalar(schema: JsonSchema | undefined): boolean {
  return ["string", "number", "integer"].includes(schema?.type ?? "");
}

/** A union is read from text as its first member that text can express. */
function textForm(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find((member) => isScalar(member) || member.type === "boolean") ?? schema;
}

function kindOf(schema: JsonSchema): ConfigKey["kind"] {
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.type === "boolean" || schema.type === "string") return schema.type;
  if (schema.type === "array" && isScalar(schema.items)) return "list";
  return "nested";
}

function defaultText(value: unknown): string {
  if (value === undefined || value === null || value === false) return "";
  if (Array.isArray(value)) return value.map(defaultText).join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the schema of a service says about its keys, in the order in which it declares them. */
export function configKeys(schema: z.ZodObject): ConfigKey[] {
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return Object.entries(root.properties ?? {}).map(([key, declared]) => {
    const form = textForm(declared);
    const flag = kebab(key);
    return {
      key,
      flag: `--${flag}`,
      variable: `EDGEWATT_${flag.replaceAll("-", "_").toUpperCase()}`,
      kind: kindOf(form),
      itemKind: form.items?.type === "number" || form.items?.type === "integer" ? "number" : "string",
      required: root.required?.includes(key) ?? false,
      description: declared.description ?? form.description ?? "",
      defaultText: defaultText(declared.default),
      choices: form.enum?.map(String),
    };
  });
}
