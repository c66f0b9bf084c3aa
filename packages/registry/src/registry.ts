import { copyFile, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describeIssues } from "@edgewatt/protocol";
import { dataDir, FileError, lockFolder, sha256File, systemErrorCode, writeFileAtomic } from "@edgewatt/runtime";
import { RegistryError } from "./errors.ts";
import { manifestSchema, type ModelEntry, MODELS_SCHEMA } from "./manifest.ts";

export interface Model extends ModelEntry {
  readonly path: string;
  /** The zoo comes with edgewatt, the others were added to the data folder. */
  readonly origin: "zoo" | "added";
}

const ZOO = fileURLToPath(new URL("../../../models/", import.meta.url));
const MANIFEST = "manifest.json";
/** Others hold the list for as long as it takes to copy a model. */
const WRITER_WAIT_MS = 60_000;

async function readManifest(dir: string): Promise<readonly ModelEntry[]> {
  const file = path.join(dir, MANIFEST);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT") return [];
    throw manifestError(file, systemErrorCode(cause), cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw manifestError(file, "it is not JSON", cause);
  }
  const manifest = manifestSchema.safeParse(json);
  if (!manifest.success) throw manifestError(file, describeIssues(manifest.error), manifest.error);
  return manifest.data.models;
}

function manifestError(file: string, why: string, cause: unknown): FileError {
  return new FileError(`cannot use the model list ${file} (${why}): repair or remove it`, {
    code: "bad-manifest",
    context: { file },
    cause,
  });
}

function addedDir(data: string): string {
  return path.join(data, "models");
}

/** The models of the zoo, then those that were added to a data folder. */
export async function readRegistry(data: string): Promise<readonly Model[]> {
  const from = async (dir: string, origin: Model["origin"]): Promise<Model[]> =>
    (await readManifest(dir)).map((entry) => Object.assign(entry, { path: path.join(dir, entry.file), origin }));
  return [...(await from(ZOO, "zoo")), ...(await from(addedDir(data), "added"))];
}

/** The model with that name, or the only one whose name ends in `-<text>` (`p05`). @throws {RegistryError} that lists the known ones */
export function findModel(models: readonly Model[], text: string): Model {
  const exact = models.find(({ name }) => name === text);
  if (exact !== undefined) return exact;
  const [found, ...others] = models.filter(({ name }) => name.endsWith(`-${text}`));
  if (found !== undefined && others.length === 0) return found;
  const names = (some: readonly Model[]): string => some.map(({ name }) => name).join(", ");
  const known = names(found === undefined ? models : [found, ...others]);
  throw new RegistryError(
    found === undefined
      ? `no model ${text}: known are ${known}; add a file with \`edgewatt models add FILE\``
      : `${text} names several models: ${known}; write more of the name`,
    { code: found === undefined ? "unknown-model" : "ambiguous-model", context: { model: text } },
  );
}

/** Several names at once, each model only once. */
export function findModels(models: readonly Model[], names: readonly string[]): readonly Model[] {
  return [...new Set(names.map((name) => findModel(models, name)))];
}

/** @throws {RegistryError} code `name-taken` where models of the zoo have that name, which nobody else's can have */
export async function checkFree(name: string): Promise<void> {
  const zoo = await readManifest(ZOO);
  if (!zoo.some((model) => model.name === name)) return;
  throw new RegistryError(`${name} is a model of the zoo: give yours another --name`, {
    code: "name-taken",
    context: { name },
  });
}

/**
 * Copies a checked model into the data folder and lists it there; an added model of the same name is replaced. Several processes that add at
 * the same time wait for each other.
 * @throws {RegistryError} code `name-taken`
 */
export async function addToRegistry(
  data: string,
  source: string,
  describe: (stored: { readonly file: string; readonly sha256: string }) => ModelEntry,
): Promise<Model> {
  const sha256 = await sha256File(source);
  const added = describe({ file: `${sha256}.onnx`, sha256 });
  await checkFree(added.name);
  const dir = addedDir(await dataDir(data));
  const lock = await lockFolder(await dataDir(dir), "registry", { waitMs: WRITER_WAIT_MS });
  try {
    // First, as a list that cannot be read must not be replaced.
    const others = (await readManifest(dir)).filter(({ name }) => name !== added.name);
    await copyAside(source, path.join(dir, added.file));
    const manifest = { schema: MODELS_SCHEMA, models: [...others, added] };
    await writeFileAtomic(path.join(dir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  } finally {
    await lock.release();
  }
  return { ...added, path: path.join(dir, added.file), origin: "added" };
}

async function copyAside(source: string, target: string): Promise<void> {
  const aside = `${target}.${process.pid}.part`;
  try {
    await copyFile(source, aside);
    await rename(aside, target);
  } catch (cause) {
    throw new FileError(
      `cannot copy ${source} to ${target} (${systemErrorCode(cause)}): make room or the folder writable`,
      {
        code: "copy-failed",
        context: { source, target },
        cause,
      },
    );
  } finally {
    await rm(aside, { force: true });
  }
}
