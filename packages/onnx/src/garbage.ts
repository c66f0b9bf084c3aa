import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * Frees what nothing refers to any more, now. JavaScript does that when its own heap fills up, which buffers of weights do not count
 * towards: without this they are still there when ONNX Runtime makes its copies, and the peak is as high as if they were needed.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}

/**
 * Keeps the space for new objects of this process as small as it is, instead of letting it grow to 32 MB: for processes that quantize and end,
 * whose memory is in weights and in ONNX Runtime. Call it as early as possible; a library has no business to.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
