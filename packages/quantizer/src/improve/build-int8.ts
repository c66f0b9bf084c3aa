import { copyGraph, type Graph } from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import { emitModel, type EmittedModel } from "../int8/emit.ts";
import type { EmitOptions } from "../int8/emit-options.ts";
import { makePlan, type Plan } from "../int8/plan.ts";

/** A float graph and everything that says how it becomes int8. */
export interface Candidate {
  readonly graph: Graph;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Names of nodes that stay in float; none unless told. */
  readonly floatNodes?: ReadonlySet<string>;
}

/** A candidate as int8 model; the plan is about `graph`, a copy, so that a trial takes no names from the candidate's own. */
export interface Int8Candidate {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly emitted: EmittedModel;
}

export function buildInt8(candidate: Candidate, options: EmitOptions): Int8Candidate {
  const graph = copyGraph(candidate.graph);
  const plan = planOf(graph, candidate, options);
  return { graph, plan, emitted: emitModel(graph, plan, options) };
}

/** Plans a graph, the candidate's own or a copy of it, by the candidate's ranges. */
export function planOf(graph: Graph, { ranges, floatNodes }: Candidate, { format }: EmitOptions): Plan {
  return makePlan(graph, ranges, format, floatNodes === undefined ? {} : { exclude: floatNodes });
}
