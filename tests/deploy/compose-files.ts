import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const EDGEWATT = path.join(ROOT, "controller/bin/edgewatt.js");

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly tmpfs?: readonly string[];
  readonly devices?: readonly string[];
  readonly group_add?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

export const COMPOSE_FILES = ["docker-compose.yml", "deploy/compose.agent.yml"];

export async function loadCompose(file: string): Promise<Compose> {
  return parse(await readFile(path.join(ROOT, file), "utf8"), { merge: true }) as Compose;
}

export function read(file: string): Promise<string> {
  return readFile(path.join(ROOT, file), "utf8");
}

/** Runs init-env.sh; resolves with the variables of the file. */
export async function initEnv(file: string): Promise<Record<string, string>> {
  await promisify(execFile)("sh", [path.join(ROOT, "deploy/init-env.sh"), file]);
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split("=")));
}

/** Values as Compose fills them in: `${NAME:?message}` and `${NAME:-default}`. */
export function interpolate(value: string, env: Readonly<Record<string, string>>): string {
  return value.replaceAll(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
    const known = env[name] ?? (kind === "-" ? rest : undefined);
    if (known === undefined) throw new TypeError(`${name}: ${rest}`);
    return known;
  });
}
