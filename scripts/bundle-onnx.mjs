// npm pack -w packages/quantizer: before packing puts a real copy of packages/onnx where npm looks for what it bundles (a workspace is a
// link elsewhere, which npm leaves out), and takes it away afterwards (--remove).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const onnx = path.join(root, "packages/onnx");
const modules = path.join(root, "packages/quantizer/node_modules");
const copy = path.join(modules, "@edgewatt/onnx");

function readPackage(folder) {
  return JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
}

/** npm installs nothing for a bundled package, so the package around it must ask for the same. */
function missingDependencies() {
  const own = readPackage("packages/quantizer").dependencies;
  return Object.entries(readPackage("packages/onnx").dependencies)
    .filter(([name, version]) => own[name] !== version)
    .map(([name, version]) => `${name}@${version}`);
}

/** `npm pack` takes only what `files` names; of a bundled package it would take everything. */
function isShipped(file) {
  return !/\.(map|tsbuildinfo)$/.test(file);
}

function bundle() {
  const missing = missingDependencies();
  if (missing.length > 0) {
    process.stderr.write(
      `packages/quantizer/package.json lacks dependencies of packages/onnx: ${missing.join(", ")}\n`,
    );
    process.exitCode = 1;
    return;
  }
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  // stdout is npm's: `npm pack --json` prints one document there.
  const built = spawnSync(process.execPath, [tsc, "-b", "packages/quantizer"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (built.status !== 0) {
    process.exitCode = 1;
    return;
  }
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ["README.md", "LICENSE"]) cpSync(path.join(onnx, name), path.join(copy, name));
  cpSync(path.join(onnx, "dist"), path.join(copy, "dist"), { recursive: true, filter: isShipped });
  writeFileSync(path.join(copy, "package.json"), `${JSON.stringify(readPackage("packages/onnx"), null, 2)}\n`);
}

/** Also the folders around the copy, unless npm keeps something else there. */
function remove() {
  rmSync(copy, { recursive: true, force: true });
  for (const folder of [path.dirname(copy), modules]) {
    if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

if (process.argv.includes("--remove")) remove();
else bundle();
