import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arch } from "node:process";
import { Graph, openSession, readModel, type NodeProto, type Session } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";
import type { QuantizationFormat } from "./format.ts";
import type { Plan } from "./plan.ts";

/**
 * The operators that must run in int8 wherever they were quantized (a single one in float costs more than the rest wins), and
 * what ONNX Runtime's optimizer may make of them when it runs them in float.
 */
const FLOAT_FORMS: Readonly<Record<string, readonly string[]>> = {
  Conv: ["Conv", "FusedConv", "NhwcFusedConv"],
  Gemm: ["Gemm", "FusedGemm"],
  MatMul: ["MatMul", "FusedMatMul"],
};

/** An integer operator keeps the name of the node that it was made from. */
const INTEGER_FORM = /^(QLinear\w+|QGemm|MatMulIntegerToFloat)$/;

/** The layout transformer appends this to the names of nodes that it replaces. */
const REPLACED_SUFFIX = /_token_\d+$/;

/** What `emitModel` appends to the name of a weight. */
const WEIGHT_SUFFIX = /_quantized(_\d+)?$/;

/** A node that was given int8 inputs and outputs. */
export interface QuantizedNode {
  readonly name: string;
  readonly opType: string;
}

/** Which of the planned nodes ONNX Runtime runs in int8. */
interface FusionResult {
  readonly fused: number;
  /** Names of quantized nodes that it runs in float all the same; none of them a Conv, Gemm or MatMul. */
  readonly left: readonly string[];
}

/** An int8 model that is open for measuring, and what became of its nodes. */
export interface OpenedInt8 {
  readonly session: Session;
  readonly fusion: FusionResult;
}

/**
 * Opens the int8 model as a deployed one is opened, and checks in the graph that ONNX Runtime really runs that every quantized Conv, Gemm
 * and MatMul became an integer operator. int8 activations are checked on x64 by arm64's rule.
 * @throws QuantizerError naming the nodes that stayed in float
 */
export function openFused(path: string, plan: Plan, format: QuantizationFormat): Promise<OpenedInt8> {
  return openOptimized(path, format, (graph) => {
    checkWeighted(graph, plan);
    return findLeft(graph, plan.quantized);
  });
}

/** As `openFused` for a model that is not held to anything: what runs in float is only told. */
export function openUnchecked(
  path: string,
  quantized: readonly QuantizedNode[],
  format: QuantizationFormat,
): Promise<OpenedInt8> {
  return openOptimized(path, format, (graph) => findLeft(graph, quantized));
}

async function openOptimized(
  path: string,
  format: QuantizationFormat,
  judge: (optimized: Graph) => FusionResult,
): Promise<OpenedInt8> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-fusion-"));
  try {
    const optimizedModelPath = join(folder, "optimized.onnx");
    const session = await openSession(path, {
      optimization: "all",
      optimizedModelPath,
      int8Activations: format === "s8s8" && arch !== "arm64",
      name: "the quantized model",
    });
    try {
      return { session, fusion: judge(new Graph(await readModel(optimizedModelPath))) };
    } catch (error) {
      await session.close();
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws where a node with weights is not computed in int8; see `openFused`. */
function checkWeighted(graph: Graph, plan: Plan): void {
  const unfused = unfusedNodes(graph, plan);
  if (unfused.length > 0) {
    throw new QuantizerError(
      `ONNX Runtime would run ${unfused.length} of the quantized nodes in float, so the model was not written: ${unfused.map(({ name, opType }) => `${name} (${opType})`).join(", ")}`,
      {
        code: "not-fused",
        context: { nodes: unfused.map(({ name }) => name) },
      },
    );
  }
}

function findLeft(graph: Graph, quantized: readonly QuantizedNode[]): FusionResult {
  const byName = new Map(graph.nodes.map((node) => [originalName(node), node]));
  const left = quantized.filter((node) => {
    const kept = byName.get(node.name);
    // A node that is gone was merged into another, or was there to move integers that need not move.
    return kept !== undefined && !INTEGER_FORM.test(kept.opType) && !movesIntegers(graph, kept);
  });
  return { fused: quantized.length - left.length, left: left.map((node) => node.name) };
}

/**
 * Quantized nodes of which no integer operator has the name, while something in the graph shows that they are computed all the same: their
 * weights are dequantized at run time, or there is a float operator of their kind that the plan does not account for. Names of float
 * operators alone would not do, as the optimizer makes up new ones.
 */
function unfusedNodes(graph: Graph, plan: Plan): NodeProto[] {
  const integer = new Set(graph.nodes.filter((node) => INTEGER_FORM.test(node.opType)).map(originalName));
  const dequantized = new Set(
    graph.nodes
      .filter((node) => node.opType === "DequantizeLinear")
      .map((node) => (node.input[0] ?? "").replace(WEIGHT_SUFFIX, "")),
  );
  return plan.quantized.filter((node) => {
    const forms = FLOAT_FORMS[node.opType];
    if (forms === undefined || integer.has(node.name)) return false;
    if (plan.weights.has(node)) return dequantized.has(node.input[1] ?? "");
    return unaccounted(graph, plan, node.opType, forms) > 0;
  });
}

/** How many float operators of a kind there are beyond those that the plan left in float. */
function unaccounted(graph: Graph, plan: Plan, opType: string, forms: readonly string[]): number {
  const planned = plan.float.filter((node) => node.op === opType).length;
  return graph.nodes.filter((node) => forms.includes(node.opType)).length - planned;
}

/** Whether a node that is still itself works on 8-bit values: none that is dequantized comes in. */
function movesIntegers(graph: Graph, node: NodeProto): boolean {
  return node.input.every((name) => {
    let producer = graph.producer(name);
    // The layout transformer may have put one in between.
    while (producer?.opType === "Transpose") producer = graph.producer(producer.input[0] ?? "");
    return producer?.opType !== "DequantizeLinear";
  });
}

function originalName(node: NodeProto): string {
  return node.name.replace(REPLACED_SUFFIX, "");
}
