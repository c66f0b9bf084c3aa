import { ModelError } from "./errors.ts";
import { Graph } from "./graph.ts";
import { countParameters } from "./params.ts";
import { readModel } from "./reader.ts";
import { openSession, type ValueDescription } from "./session.ts";

/** What a model takes and gives, as ONNX Runtime sees it. */
export interface ModelDescription {
  /** The first input and output, which are the only ones of an image classifier. */
  readonly input: ValueDescription;
  readonly output: ValueDescription;
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Learned parameters of the model as it is in the file; see `countParameters`. */
  readonly params: number;
  /** Version of the default operator set. */
  readonly opset: number;
}

/**
 * Describes a model file, having loaded it once.
 * @throws ModelError when it is no ONNX model or ONNX Runtime refuses it
 */
export async function describeModel(path: string): Promise<ModelDescription> {
  const model = await readModel(path);
  await using session = await openSession(path, { optimization: "disabled" });
  const [input] = session.inputs;
  const [output] = session.outputs;
  if (input === undefined || output === undefined) {
    throw new ModelError(`${path} has no input or no output: export it again`, {
      code: "model-without-io",
      context: { path },
    });
  }
  return {
    input,
    output,
    inputs: session.inputs,
    outputs: session.outputs,
    params: countParameters(model),
    opset: new Graph(model).opset,
  };
}
