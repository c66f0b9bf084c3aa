import { access, constants, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { firstLineOf, ModelError } from "./errors.ts";
import type { ModelFile } from "./reader.ts";

/**
 * Fails before the work rather than after it.
 * @param what how messages call the model that is to be written
 * @throws ModelError `output-is-input` or `output-unwritable`
 */
export async function checkOutput(input: readonly ModelFile[], output: string, what: string): Promise<void> {
  const inputs = await Promise.all(input.map(({ path }) => realPath(path)));
  const outputs = await Promise.all([output, `${output}.data`].map(realPath));
  if (outputs.some((path) => inputs.includes(path))) {
    throw new ModelError(
      `cannot write the ${what} over the model that it is made from, ${input[0]?.path ?? ""}, or the data of that: name another output`,
      { code: "output-is-input", context: { path: output } },
    );
  }
  if (await isFolder(output)) {
    throw new ModelError(`cannot write the ${what} to ${output}: it is a folder; name a file in it`, {
      code: "output-unwritable",
      context: { path: output },
    });
  }
  try {
    await access(dirname(resolve(output)), constants.W_OK);
  } catch (error) {
    throw unwritable(output, error);
  }
}

/** Where links lead to; of a file that is not there yet its path. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Not there yet, as usual.
    return false;
  }
}

function unwritable(output: string, cause: unknown): ModelError {
  return new ModelError(`cannot write ${output}: check the folder and the free space (${firstLineOf(cause)})`, {
    code: "output-unwritable",
    context: { path: output },
    cause,
  });
}
