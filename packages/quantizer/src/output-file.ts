import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { firstLineOf } from "@edgewatt/onnx";
import { QuantizerError } from "./errors.ts";

/**
 * Fails before the work rather than after it.
 * @throws QuantizerError `output-is-input` or `output-unwritable`
 */
export async function checkOutput(input: string, output: string): Promise<void> {
  if (resolve(input) === resolve(output)) {
    throw new QuantizerError(`cannot write the int8 model over its float model ${input}: name another output`, {
      code: "output-is-input",
      context: { path: output },
    });
  }
  try {
    await access(dirname(resolve(output)), constants.W_OK);
  } catch (error) {
    throw unwritable(output, error);
  }
}

export function unwritable(output: string, cause: unknown): QuantizerError {
  return new QuantizerError(`cannot write ${output}: check the folder and the free space (${firstLineOf(cause)})`, {
    code: "output-unwritable",
    context: { path: output },
    cause,
  });
}
