import type { Graph } from "@edgewatt/onnx";
import type { Range } from "../arithmetic.ts";
import { emitModel, type EmitOptions, type EmittedModel } from "../emit.ts";
import { makePlan, type Plan } from "../plan.ts";
import { copyGraph } from "./copy-graph.ts";

/** A float graph and everything that says how it becomes int8. */
export interface Candidate {
  readonly graph: Graph;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Names of nodes that stay in float. */
  readonly floatNodes: readonly string[];
}

/** Plans and writes a candidate for a trial; the names that this takes are not taken from the candidate's graph. */
export function buildInt8(candidate: Candidate, options: EmitOptions): { plan: Plan; emitted: EmittedModel } {
  const graph = copyGraph(candidate.graph);
  const plan = makePlan(graph, candidate.ranges, options.format);
  return { plan, emitted: emitModel(graph, plan, options) };
}
