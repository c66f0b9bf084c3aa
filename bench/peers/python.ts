import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

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
    const { stdout } = await promisify(execFile)(python, [
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
