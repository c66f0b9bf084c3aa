import { alongAxis, broadcast, normalization, pad, perChannel } from "./rules/elementwise.ts";
import { concat, slice, split } from "./rules/joining.ts";
import { conv, gemm, matMul } from "./rules/linear.ts";
import type { Rule } from "./rules/rule.ts";
import { dropSides, flatten, resize, reshape, shapeOf, transpose, unsqueeze } from "./rules/shaping.ts";

const PER_CHANNEL =
  "Abs AveragePool Cast Ceil Celu Clip Dropout Elu Erf Exp Floor Gelu GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity " +
  "LeakyRelu Log LpPool MaxPool Mish Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Softplus Softsign Sqrt Tanh ThresholdedRelu";

const REDUCTIONS = "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Squeeze";

/** How channels run through each operator of ONNX's own set; what is not here, channels do not pass. */
export const OPERATORS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...named(PER_CHANNEL, perChannel),
  ...named("Add Div Max Mean Min Mul Pow PRelu Sub Sum", broadcast),
  ...named("BatchNormalization InstanceNormalization", normalization),
  ...named("Hardmax LogSoftmax Softmax", alongAxis),
  ...named(REDUCTIONS, dropSides),
  ["Concat", concat],
  ["Conv", conv],
  ["Flatten", flatten],
  ["Gemm", gemm],
  ["MatMul", matMul],
  ["Pad", pad],
  ["Reshape", reshape],
  ["Resize", resize],
  ["Shape", shapeOf],
  ["Slice", slice],
  ["Split", split],
  ["Transpose", transpose],
  ["Unsqueeze", unsqueeze],
]);

function named(names: string, rule: Rule): [string, Rule][] {
  return names.split(" ").map((name) => [name, rule]);
}
