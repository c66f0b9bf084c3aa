import { RAISED_OPSET, readModel, throwIfCanceled, type Graph } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";
import type { QuantizeOptions } from "../options.ts";
import type { Plan } from "../plan.ts";
import { prepareModel, QDQ_OPSET } from "../prepare.ts";
import { candidateTensors } from "../rules/operators.ts";

/**
 * Reads a float model and prepares it, and checks that int8 exists for it. `perChannel`: whether its operator set has scales per channel.
 * @throws ModelError, CanceledError, QuantizerError with code `opset-too-old`, `already-quantized` or `nothing-to-quantize`
 */
export async function readQuantizable({
  input,
  perTensor,
  signal,
}: Pick<QuantizeOptions, "input" | "perTensor" | "signal">): Promise<{ graph: Graph; perChannel: boolean }> {
  let refused: string | undefined;
  const graph = prepareModel(await readModel(input, signal), {
    perChannel: perTensor !== true,
    onOpset: (raise) => (refused = raise.refused),
  });
  checkQuantizable(graph, input, refused);
  throwIfCanceled(signal, `quantizing ${input}`);
  // An operator set that could not be raised has one scale per tensor only.
  return { graph, perChannel: perTensor !== true && graph.opset >= RAISED_OPSET };
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
