import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { ROOT } from "../paths.ts";

const run = promisify(execFile);

const PYTHON_PEER = { onnxruntime: "1.30.0" } as const;

/** A Python that has the reference quantizer, or why there is none. */
export type PythonPeer =
  | { readonly python: string; readonly label: string }
  | { readonly python: null; readonly note: string };

/**
 * Looks for Python with onnxruntime and onnx: `EDGEWATT_PYTHON`, else `python3` on the PATH.
 * @param python another interpreter, for tests
 */
export async function findPythonPeer(
  python: string = process.env["EDGEWATT_PYTHON"] || "python3",
): Promise<PythonPeer> {
  try {
    const { stdout } = await run(python, [
      "-c",
      "import onnx, onnxruntime, onnxruntime.quantization; print(onnxruntime.__version__)",
    ]);
    return { python, label: `onnxruntime ${stdout.trim()} (Python)` };
  } catch {
    // No such interpreter, or one without the packages: what helps is the same.
    return {
      python: null,
      note: `reference not installed: pip install onnxruntime==${PYTHON_PEER.onnxruntime} onnx, and name that python in EDGEWATT_PYTHON`,
    };
  }
}

const AGENTS_PACKAGE = "onnxruntime-node";

/** The ONNX Runtime that the agent measures with. */
export async function agentsOnnxRuntime(): Promise<{ readonly folder: string; readonly version: string }> {
  const manifest = createRequire(join(ROOT, "edge-agent/package.json")).resolve(`${AGENTS_PACKAGE}/package.json`);
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
  return { folder: dirname(manifest), version };
}

/** The shared library of ONNX Runtime in Python's package, of the version that the agent has too, or why there is none. */
export type WheelLibrary = { readonly library: string } | { readonly library: null; readonly note: string };

/** Looks for the library that another program could load; the Python module itself has the same code built in. */
export async function findWheelLibrary(python: string): Promise<WheelLibrary> {
  const { version } = await agentsOnnxRuntime();
  const { stdout } = await run(python, [
    "-c",
    "import glob, os, onnxruntime; print(*glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), 'capi', 'libonnxruntime.so.*')), sep='\\n')",
  ]);
  const libraries = stdout.split("\n").filter((line) => line !== "");
  const library = libraries.find((path) => path.endsWith(`/libonnxruntime.so.${version}`));
  if (library !== undefined) return { library };
  const found = libraries.length === 0 ? "no shared library" : libraries.join(", ");
  return { library: null, note: `${AGENTS_PACKAGE} is ${version}, Python's package has ${found}` };
}
