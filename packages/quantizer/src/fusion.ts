import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch } from 'node:process';
import { openSession, readModel, type ModelProto, type Session } from '@edgewatt/onnx';
import { QuantizerError } from './errors.ts';
import type { QuantizationFormat } from './format.ts';
import type { Plan } from './plan.ts';

/** Operators that must run in int8 wherever they were quantized: a single one in float costs more than all the rest wins. */
const MUST_FUSE = new Set(['Conv', 'Gemm', 'MatMul']);

/** What ONNX Runtime's optimizer turns a quantized operator into; those without an entry vanish into their neighbours' int8 data. */
const FLOAT_FORMS: Readonly<Record<string, readonly string[]>> = {
  Conv: ['Conv', 'FusedConv', 'NhwcFusedConv'],
  Gemm: ['Gemm', 'FusedGemm'],
  MatMul: ['MatMul', 'FusedMatMul', 'Gemm'],
};

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
export async function openFused(path: string, plan: Plan, format: QuantizationFormat): Promise<{ session: Session; fusion: FusionResult }> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewatt-fusion-'));
  try {
    const optimizedModelPath = join(folder, 'optimized.onnx');
    const session = await openSession(path, {
      optimization: 'all',
      optimizedModelPath,
      int8Activations: format === 's8s8' && arch !== 'arm64',
      name: 'the quantized model',
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
export function checkFusion(optimized: ModelProto, plan: Plan): FusionResult {
  const byName = new Map((optimized.graph?.node ?? []).map((node) => [node.name, node]));
  const float = new Set(plan.float.map((node) => node.name));
  const left = plan.quantized.filter((node) => byName.get(node.name)?.opType === node.opType && !MOVES_ANY_TYPE.has(node.opType)).map((node) => node.name);

  // By name alone a renamed float operator would be missed, so every float form in the graph must be one that was planned.
  const unexpected = (optimized.graph?.node ?? []).filter((node) => isFloatForm(node.opType) && !float.has(node.name)).map((node) => `${node.name} (${node.opType})`);
  const missing = plan.quantized.filter((node) => MUST_FUSE.has(node.opType) && left.includes(node.name)).map((node) => `${node.name} (${node.opType})`);
  const unfused = [...new Set([...unexpected, ...missing])];
  if (unfused.length > 0) {
    throw new QuantizerError(
      `ONNX Runtime would run ${unfused.length} of the quantized nodes in float, so the model was not written: ${unfused.join(', ')}`,
      { code: 'not-fused', context: { nodes: unfused } },
    );
  }
  return { fused: plan.quantized.length - left.length, left };
}

/** Operators that take int8 as they are: their node in the optimized graph keeps its type and runs on the integers. */
const MOVES_ANY_TYPE = new Set(['Concat', 'Flatten', 'MaxPool', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

function isFloatForm(opType: string): boolean {
  return Object.values(FLOAT_FORMS).some((forms) => forms.includes(opType));
}
