import { foldBatchNorm, Graph, makeNode, makeTensor, type ModelProto } from "@edgewatt/onnx";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { buildSeparable, buildVgg } from "./networks.ts";

interface ExportStyle {
  readonly opset?: number;
  readonly activation?: "Relu" | "HardSwish" | "HardSigmoid" | "Clip";
  readonly batchNorm?: boolean;
  readonly bias?: boolean;
  readonly pool?: "GlobalAveragePool" | "ReduceMean";
  readonly flat?: "Flatten" | "Reshape" | "computed";
  readonly transB?: 0 | 1;
  /** Dropout and Identity on the way, as exporters leave them. */
  readonly idle?: boolean;
}

/** One small classifier, as different exporters write it. */
function buildExport(style: ExportStyle): ModelProto {
  const { opset = 13, activation = "Relu", batchNorm = true, bias = false, transB = 1, idle = false } = style;
  const b = new ModelBuilder({ seed: 21, opset });
  const bend = (x: string): string => (activation === "Clip" ? b.relu6(x) : b.node(activation, [x]));
  const layer = (x: string, from: number, to: number, groups = 1): string => {
    const conv = b.conv(x, from, to, { bias, groups });
    return bend(batchNorm ? b.batchNorm(conv, to) : conv);
  };
  const rest = (x: string): string => (idle ? b.node("Dropout", [b.node("Identity", [x])]) : x);
  const body = layer(rest(layer(layer(b.input("image", ["batch", 3, 16, 16]), 3, 16), 16, 16, 16)), 16, 24);
  const hidden = b.relu(linear(b, rest(head(b, body, style, opset)), 24, 32, transB));
  b.output(linear(b, rest(hidden), 32, 10, transB), ["batch", 10]);
  return b.build();
}

function head(
  b: ModelBuilder,
  body: string,
  { pool = "GlobalAveragePool", flat = "Flatten" }: ExportStyle,
  opset: number,
): string {
  const integers = (...values: bigint[]): string => b.constant([values.length], BigInt64Array.from(values));
  if (pool === "ReduceMean") {
    // Axes are an input since opset 18.
    if (opset >= 18) return b.node("ReduceMean", [body, integers(2n, 3n)], { keepdims: 0n });
    return b.node("ReduceMean", [body], { axes: [2n, 3n], keepdims: 0n });
  }
  const pooled = b.node("GlobalAveragePool", [body]);
  if (flat === "Flatten") return b.node("Flatten", [pooled], { axis: 1n });
  if (flat === "Reshape") return b.node("Reshape", [pooled, integers(-1n, 24n)]);
  // x.view(x.size(0), -1)
  const batch = b.node("Gather", [b.node("Shape", [pooled]), b.constant([], BigInt64Array.of(0n))], { axis: 0n });
  const sides = b.node("Concat", [b.node("Unsqueeze", [batch, integers(0n)]), integers(-1n)], { axis: 0n });
  return b.node("Reshape", [pooled, sides]);
}

function linear(b: ModelBuilder, x: string, from: number, to: number, transB: 0 | 1): string {
  if (transB === 1) return b.gemm(x, from, to);
  const limit = Math.sqrt(6 / from);
  return b.node("Gemm", [x, b.weight([from, to], -limit, limit), b.weight([to], -0.2, 0.2)]);
}

/** Names as PyTorch's exporter gives them, with slashes, dots and colons. */
function namedByPyTorch(model: ModelProto): ModelProto {
  const { graph } = model;
  const ends = new Set([...(graph?.input ?? []), ...(graph?.output ?? [])].map(({ name }) => name));
  const weights = new Set(graph?.initializer.map(({ name }) => name));
  const rename = (name: string): string => {
    if (name === "" || ends.has(name)) return name;
    return weights.has(name) ? `module.features.${name}.weight` : `/features/features.0/${name}_output_0`;
  };
  for (const node of graph?.node ?? []) {
    node.name = `/features/features.0/${node.opType}:${node.output[0] ?? ""}`;
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  for (const tensor of graph?.initializer ?? []) tensor.name = rename(tensor.name);
  return model;
}

function withoutNodeNames(model: ModelProto): ModelProto {
  for (const node of model.graph?.node ?? []) node.name = "";
  return model;
}

/** Every weight behind a Constant node, as PaddlePaddle's exporter writes them. */
function constantsAsNodes(model: ModelProto): ModelProto {
  const { graph } = model;
  if (graph === undefined) return model;
  const constants = graph.initializer.map((tensor) =>
    makeNode("Constant", `${tensor.name}_node`, [], [tensor.name], { value: tensor }),
  );
  graph.initializer = [];
  graph.node.unshift(...constants);
  return model;
}

/** Initializers are inputs too, as they had to be before IR version 4. */
function initializersAsInputs(model: ModelProto): ModelProto {
  const { graph } = model;
  const [first] = graph?.input ?? [];
  if (graph === undefined || first === undefined) return model;
  model.irVersion = 3n;
  for (const { name, dims, dataType } of graph.initializer) {
    const b = new ModelBuilder();
    b.input(name, dims.map(Number), dataType);
    graph.input.push(...(b.build().graph?.input ?? []));
  }
  return model;
}

/** Two layers with one and the same weights. */
function buildSharedWeights(): ModelProto {
  const b = new ModelBuilder({ seed: 22 });
  const x = b.relu(b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 16));
  const weight = b.weight([16, 16, 3, 3], -0.2, 0.2);
  const again = (input: string): string => b.relu(b.node("Conv", [input, weight], { pads: [1n, 1n, 1n, 1n] }));
  const pooled = b.node("Flatten", [b.node("GlobalAveragePool", [again(again(x))])], { axis: 1n });
  b.output(b.gemm(pooled, 16, 10), ["batch", 10]);
  return b.build();
}

function folded(model: ModelProto): ModelProto {
  foldBatchNorm(new Graph(model));
  return model;
}

/** Batch norm whose factors are partly zero and negative, as sparse training leaves them. */
function withDeadChannels(model: ModelProto): ModelProto {
  const graph = model.graph;
  for (const node of graph?.node ?? []) {
    if (node.opType !== "BatchNormalization") continue;
    const index = graph?.initializer.findIndex(({ name }) => name === node.input[1]) ?? -1;
    const old = graph?.initializer[index];
    if (graph === undefined || old === undefined) continue;
    const channels = Number(old.dims[0]);
    const factors = Float32Array.from({ length: channels }, (_, channel) => [0, -1, 1, 0.5][channel % 4] as number);
    graph.initializer[index] = makeTensor(old.name, [channels], factors);
  }
  return model;
}

/** One network in the forms that exporters give it. */
export const EXPORTED: readonly (readonly [string, () => ModelProto])[] = [
  ...[11, 12, 14, 16, 18, 19, 20, 21].map(
    (opset) => [`operator set ${opset}`, () => buildExport({ opset, pool: "ReduceMean", idle: true })] as const,
  ),
  ["names as PyTorch gives them, batch open", () => namedByPyTorch(buildExport({ flat: "computed" }))],
  ["no names of nodes", () => withoutNodeNames(buildExport({}))],
  ["weights behind Constant nodes", () => constantsAsNodes(buildExport({ idle: true }))],
  ["initializers among the inputs", () => initializersAsInputs(buildExport({}))],
  ["Conv with bias and batch norm", () => buildExport({ bias: true })],
  ["Conv with bias alone", () => buildExport({ bias: true, batchNorm: false })],
  ["Conv without bias or batch norm", () => buildExport({ batchNorm: false })],
  ["batch norms folded", () => folded(buildExport({}))],
  ["Gemm with weights as they are, Reshape to their number", () => buildExport({ transB: 0, flat: "Reshape" })],
  ["HardSwish", () => buildExport({ opset: 14, activation: "HardSwish" })],
  ["HardSigmoid", () => buildExport({ activation: "HardSigmoid" })],
  ["Clip to 6", () => buildExport({ activation: "Clip" })],
  ["two layers with the same weights", buildSharedWeights],
  ["dead and negative channels", () => withDeadChannels(buildSeparable())],
  ["a VGG with weights behind Constant nodes", () => constantsAsNodes(buildVgg())],
];
