import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arch } from "node:process";
import { Graph, openSession, readModel, type ModelProto, type NodeProto, type Session } from "@edgewatt/onnx";
import { QuantizerError } from "./errors.ts";
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

/** Operators that take int8 as they are: their node keeps its type in the optimized graph and moves the integers. */
const MOVES_ANY_TYPE = new Set(["Flatten", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]);

/** The layout transformer appends this to the names of nodes that it replaces. */
const REPLACED_SUFFIX = /_token_\d+$/;

/** Which of the planned nodes ONNX Runtime runs in int8. */
export interface FusionResult {
  readonly fused: number;
  /** Names of quantized nodes that it runs in float all the same; none of them a Conv, Gemm or MatMul. */
  readonly left: readonly string[];
}

/**
 * Opens the int8 model as a deployed one is opened, and checks in the graph that ONNX Runtime really runs that every quantized Conv, Gemm
 * and MatMul became an integer operator. int8 activations are checked on x64 by arm64's rule.
 * @returns the open session, for measuring
 * @throws QuantizerError naming the nodes that stayed in float
 */
export async function openFused(
  path: string,
  plan: Plan,
  format: QuantizationFormat,
): Promise<{ session: Session; fusion: FusionResult }> {
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
      return { session, fusion: checkFusion(await readModel(optimizedModelPath), plan) };
    } catch (error) {
      await session.close();
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Compares the optimized graph with the plan; see `openFused`. */
function checkFusion(optimized: ModelProto, plan: Plan): FusionResult {
  const graph = new Graph(optimized);
  const unfused = Object.entries(FLOAT_FORMS).flatMap(([opType, forms]) => unfusedNodes(graph, plan, opType, forms));
  if (unfused.length > 0) {
    throw new QuantizerError(
      `ONNX Runtime would run ${unfused.length} of the quantized nodes in float, so the model was not written: ${unfused.join(", ")}`,
      {
        code: "not-fused",
        context: { nodes: unfused },
      },
    );
  }
  const byName = new Map(graph.nodes.map((node) => [originalName(node), node]));
  const left = plan.quantized.filter((node) => {
    const kept = byName.get(node.name);
    if (kept?.opType !== node.opType) return false;
    return !MOVES_ANY_TYPE.has(node.opType) || graph.producer(kept.input[0] ?? "")?.opType === "DequantizeLinear";
  });
  return { fused: plan.quantized.length - left.length, left: left.map((node) => node.name) };
}

/**
 * Float nodes of one kind beyond those that the plan left in float. They are counted, as the optimizer may rename a node; the names
 * are what a reader needs to find them.
 */
function unfusedNodes(graph: Graph, plan: Plan, opType: string, forms: readonly string[]): string[] {
  const planned = new Set(plan.float.filter((node) => node.op === opType).map((node) => node.name));
  const inFloat = graph.nodes.filter((node) => forms.includes(node.opType));
  if (inFloat.length <= planned.size) return [];
  const unknown = inFloat.filter((node) => !planned.has(originalName(node)));
  return (unknown.length > 0 ? unknown : inFloat).map((node) => `${originalName(node)} (${node.opType})`);
}

function originalName(node: NodeProto): string {
  return node.name.replace(REPLACED_SUFFIX, "");
}
