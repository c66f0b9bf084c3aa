import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ModelArtifact } from "@edgewatt/protocol";

const NAME = "mobilenetv1-cifar10-p40";
const FILE = new URL(`../../../../models/${NAME}.onnx`, import.meta.url);

/** The smallest model of the zoo, as a command names it. */
export function faultModel(): ModelArtifact {
  const bytes = readFileSync(FILE);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { kind: "model", name: NAME, url: FILE.href, sha256, bytes: bytes.byteLength };
}
