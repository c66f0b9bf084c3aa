import { findModel, RAISED_OPSET, spillWeights, throwIfCanceled, type Graph, type ModelOnDisk } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";
import type { QuantizeOptions } from "../options.ts";
import type { Plan } from "../int8/plan.ts";
import { prepareModel, QDQ_OPSET } from "./prepare.ts";
import { candidateTensors } from "../rules/operators.ts";

/** A prepared float model whose weights lie in a temporary file until it is disposed of; then it is of no use any more. */
export interface QuantizableModel extends AsyncDisposable {
  readonly graph: Graph;
  /** Whether its operator set has scales per channel, where they are wanted. */
  readonly perChannel: boolean;
}

/**
 * Reads a float model and prepares it, and checks that int8 exists for it.
 * @param file the model at `input`, where that was found already
 * @throws ModelError, CanceledError, QuantizerError with code `opset-too-old`, `already-quantized` or `nothing-to-quantize`
 */
export async function readQuantizable(
  { input, perTensor, signal }: Pick<QuantizeOptions, "input" | "perTensor" | "signal">,
  file?: ModelOnDisk,
): Promise<QuantizableModel> {
  let refused: string | undefined;
  const graph = prepareModel(await (file ?? (await findModel(input))).read(signal), {
    perChannel: perTensor !== true,
    onOpset: (raise) => (refused = raise.refused),
  });
  checkQuantizable(graph, input, refused);
  throwIfCanceled(signal, `quantizing ${input}`);
  // An operator set that could not be raised has one scale per tensor only.
  const wanted = perTensor !== true && graph.opset >= RAISED_OPSET;
  const weights = await spillWeights(graph.model, { release: true });
  return { graph, perChannel: wanted, [Symbol.asyncDispose]: () => weights[Symbol.asyncDispose]() };
}

/** @throws QuantizerError where the model is none that int8 exists for */
function checkQuantizable(graph: Graph, input: string, refused: string | undefined): void {
  const { opset } = graph;
  if (opset < QDQ_OPSET) {
    throw new QuantizerError(
      `${input} uses opset ${opset}, which has no int8, and cannot be raised (${refused ?? "its operators are unknown"}): export it again with opset ${RAISED_OPSET} or later`,
      { code: "opset-too-old", context: { path: input, opset, refused } },
    );
  }
  if (graph.nodes.some((node) => node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear")) {
    throw new QuantizerError(`${input} is quantized already: give the float model`, {
      code: "already-quantized",
      context: { path: input },
    });
  }
  if (candidateTensors(graph).length === 0) throw nothingToQuantize(input);
}

/** There is no layer with weights that could be quantized. */
export function nothingToQuantize(input: string, plan?: Plan): QuantizerError {
  return new QuantizerError(`${input} has no Conv, Gemm or MatMul that can be quantized: keep the float model`, {
    code: "nothing-to-quantize",
    context: { path: input, float: plan?.float },
  });
}
