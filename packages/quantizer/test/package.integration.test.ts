import { execFile, type ExecFileException } from "node:child_process";
import { copyFile, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSession } from "@edgewatt/onnx";
import sharp from "sharp";
import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = await useTempDir();
const stranger = join(folder, "stranger");
const tsc = join(root, "node_modules/typescript/bin/tsc");
/** Enough for the first example to calibrate with and to hold some back. */
const PHOTOS = 24;
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/;

// Packing compiles and installing unpacks 288 MB of ONNX Runtime: a limit that only a hang reaches.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[], cwd: string): Promise<Ended> {
  // What npm tells the scripts that it runs would make the inner npm take this clone for its project.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, maxBuffer: 1e8 }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** The clone in small, as packing places a copy of `packages/onnx` into the quantizer's folder for a moment. */
async function copyClone(): Promise<string> {
  const clone = join(folder, "clone");
  for (const path of ["scripts/bundle-onnx.mjs", "tsconfig.base.json"]) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await copyFile(join(root, path), join(clone, path));
  }
  for (const name of ["onnx", "quantizer"]) {
    await mkdir(join(clone, "packages", name), { recursive: true });
    for (const part of ["src", "package.json", "tsconfig.json", "README.md", "LICENSE"]) {
      await cp(join(root, "packages", name, part), join(clone, "packages", name, part), { recursive: true });
    }
  }
  await symlink(join(root, "node_modules"), join(clone, "node_modules"));
  return clone;
}

async function readmeExamples(): Promise<string[]> {
  const readme = await readFile(join(root, "packages/quantizer/README.md"), "utf8");
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
}

async function makePhotos(path: string): Promise<void> {
  await mkdir(path);
  const [width, height, channels] = [48, 40, 3] as const;
  for (let photo = 0; photo < PHOTOS; photo++) {
    const pixels = Uint8Array.from(
      { length: width * height * channels },
      (_, index) => (index * 7 * (photo + 1)) % 251,
    );
    await sharp(pixels, { raw: { width, height, channels } })
      .png()
      .toFile(join(path, `${photo}.png`));
  }
}

const examples = await readmeExamples();
let packed: Ended;
let installed: Ended;

beforeAll(async () => {
  const packages = join(await copyClone(), "packages/quantizer");
  packed = await run("npm", ["pack", "--pack-destination", folder], packages);
  await mkdir(stranger);
  await writeFile(join(stranger, "package.json"), JSON.stringify({ name: "stranger", type: "module" }));
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "";
  const options = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
  installed = await run("npm", ["install", ...options, join(folder, tarball)], stranger);
  if (installed.code === 0) await makePhotos(join(stranger, "photos"));
  await copyFile(join(root, "models/mobilenetv1-cifar10-p40.onnx"), join(stranger, "model.onnx"));
});

beforeEach((context) => {
  if (UNREACHABLE.test(installed.stderr)) context.skip("npm's registry cannot be reached");
});

it("packs and installs", () => {
  expect(packed).toMatchObject({ code: 0 });
  expect(installed).toMatchObject({ code: 0 });
});

it("brings packages/onnx inside, and nothing that only the clone has", async () => {
  const own = join(stranger, "node_modules/@edgewatt/quantizer");
  const inner = await readdir(join(own, "node_modules/@edgewatt/onnx"));
  expect(inner.sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
  expect((await readdir(own)).sort()).toEqual(["LICENSE", "README.md", "dist", "node_modules", "package.json"]);
  expect(await readdir(join(stranger, "node_modules/@edgewatt"))).toEqual(["quantizer"]);
});

it("quantizes in ten lines", () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
  expect(examples[0]?.trim().split("\n").length).toBeLessThanOrEqual(10);
});

it.each(examples.map((code, index) => ({ code, name: `example ${index + 1} of the README` })))(
  "type-checks and runs $name",
  async ({ code, name }) => {
    const file = name.replaceAll(" ", "-");
    const output = join(stranger, "model-int8.onnx");
    await rm(output, { force: true });
    await writeFile(join(stranger, `${file}.ts`), code);
    const settings = ["--module", "nodenext", "--target", "es2023", "--strict", "--types", "node"];
    const compiled = await run(
      process.execPath,
      [tsc, ...settings, "--typeRoots", join(root, "node_modules/@types"), `${file}.ts`],
      stranger,
    );
    expect(compiled.stdout + compiled.stderr).toBe("");
    const ended = await run(process.execPath, [`${file}.js`], stranger);
    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(0);
    await using session = await openSession(output);
    expect(session.inputs).toHaveLength(1);
    expect((await stat(output)).size).toBeLessThan(0.3 * (await stat(join(stranger, "model.onnx"))).size);
  },
);
