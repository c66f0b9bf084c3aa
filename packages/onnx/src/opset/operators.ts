import { axesToInput } from "./axes.ts";
import { batchNormalization } from "./batch-normalization.ts";
import { clip } from "./clip.ts";
import type { Converter } from "./converter.ts";
import { dropout } from "./dropout.ts";
import { pad } from "./pad.ts";
import { resize, upsample } from "./resize.ts";
import { scan } from "./scan.ts";
import { scatter } from "./scatter.ts";
import { slice } from "./slice.ts";
import { softmax } from "./softmax.ts";
import { split } from "./split.ts";
import { topK } from "./top-k.ts";

/** Operators whose signature or meaning changed between opset 7 and 13 (Changelog of ONNX's operators). */
export const CONVERTERS: ReadonlyMap<string, Converter> = new Map(
  Object.entries({
    BatchNormalization: batchNormalization,
    Clip: clip,
    Dropout: dropout,
    Hardmax: softmax,
    LogSoftmax: softmax,
    Pad: pad,
    ReduceSum: axesToInput,
    Resize: resize,
    Scan: scan,
    Scatter: scatter,
    Slice: slice,
    Softmax: softmax,
    Split: split,
    Squeeze: axesToInput,
    TopK: topK,
    Unsqueeze: axesToInput,
    Upsample: upsample,
  }),
);

/**
 * Operators that mean the same in opset 13 as in any from 7 on in which they exist: unchanged, or changed only by types that were added, optional
 * attributes with the old behaviour as default, and negative axes (Changelog of ONNX's operators).
 */
export const COMPATIBLE: ReadonlySet<string> = new Set(
  (
    "Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BitShift Cast Ceil Celu Compress Concat ConcatFromSequence " +
    "Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Det Div DynamicQuantizeLinear " +
    "Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool " +
    "GlobalMaxPool Greater GreaterOrEqual HardSigmoid Identity If InstanceNormalization IsInf IsNaN LRN LSTM LeakyRelu Less LessOrEqual Log " +
    "Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization Min Mod Mul " +
    "Multinomial Neg NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Or PRelu Pow QLinearConv QLinearMatMul QuantizeLinear " +
    "RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp " +
    "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare Relu Reshape ReverseSequence RoiAlign Round ScatterElements ScatterND Selu " +
    "SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size " +
    "SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth SplitToSequence Sqrt StringNormalizer Sub Sum Tan Tanh TfIdfVectorizer " +
    "ThresholdedRelu Tile Transpose Unique Where Xor"
  ).split(" "),
);
