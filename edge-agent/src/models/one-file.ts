import path from "node:path";
import { externalFiles, LARGEST_INLINE_BYTES, modelFileBytes } from "@edgewatt/onnx";
import { JobError } from "../errors.ts";

/**
 * Refuses, before any work, a model of which a job could not hand on what it makes: jobs fetch, key and store a model by the digest of one file.
 * @throws {JobError} code `external-data` when its weights are in other files, `model-too-large` when those of what is made of it could be
 */
export async function requireOneFile(
  model: string,
  op: "quantize" | "prune",
  limitBytes: number = LARGEST_INLINE_BYTES,
): Promise<void> {
  const advice = `${op} it with \`edgewatt ${op} --local\` on a machine that has all its files`;
  const others = await externalFiles(model);
  if (others.length > 0) {
    const names = others.map((file) => path.basename(file)).join(", ");
    throw new JobError(`the model keeps weights in other files (${names}), and a job takes one file: ${advice}`, {
      code: "external-data",
      context: { model, others },
    });
  }
  const bytes = await modelFileBytes(model);
  if (bytes <= limitBytes) return;
  throw new JobError(
    `the model has ${bytes} bytes, and what is made of one of more than ${limitBytes} may not fit in one file, as a job needs: ${advice}`,
    { code: "model-too-large", context: { model, bytes, limitBytes } },
  );
}
