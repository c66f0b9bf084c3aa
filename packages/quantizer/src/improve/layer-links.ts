import { findAttribute, intAttribute, type Graph, type NodeProto } from "@edgewatt/onnx";
import { clipBounds } from "../rules/absorbed.ts";
import { linearLayer, type LinearLayer } from "./linear-layer.ts";

/** Two layers of which the second alone reads the first, through nothing but operators that treat each channel alone. */
export interface LayerLink {
  readonly first: LinearLayer;
  readonly second: LinearLayer;
  /** What stands between them, in order. */
  readonly between: readonly NodeProto[];
  /** Inputs of the second layer for each channel of the first: more than one where a Flatten lies between. */
  readonly spread: number;
  /** Where a Clip cuts what passes; Infinity without one. */
  readonly upperBound: number;
  /** Whether negative values never pass. */
  readonly rectified: boolean;
}

/**
 * Finds the links of a graph, in its order. Between the layers may stand operators f with f(s x) = s f(x) for s > 0: Relu, LeakyRelu,
 * pooling, and Flatten before a Gemm; a Clip from 0 too, which keeps that only below its upper bound.
 */
export function findLinks(graph: Graph): LayerLink[] {
  const links: LayerLink[] = [];
  for (const node of graph.nodes) {
    const first = linearLayer(graph, node);
    if (first === undefined) continue;
    const link = linkFrom(graph, first);
    if (link !== undefined) links.push(link);
  }
  return links;
}

function linkFrom(graph: Graph, first: LinearLayer): LayerLink | undefined {
  const between: NodeProto[] = [];
  let tensor = first.node.output[0] ?? "";
  let upperBound = Infinity;
  let rectified = false;
  let flat = first.node.opType === "Gemm";
  for (;;) {
    const next = graph.soleConsumer(tensor);
    if (next === undefined || next.input[0] !== tensor || next.input.lastIndexOf(tensor) !== 0) return undefined;
    const second = linearLayer(graph, next);
    if (second !== undefined) {
      const spread = second.inputChannels / first.outputChannels;
      // A Gemm takes channels only from a matrix, so something must have made one of the images.
      const fits = next.opType === "Gemm" ? flat && Number.isInteger(spread) : !flat && spread === 1;
      return fits ? { first, second, between, spread, upperBound, rectified } : undefined;
    }
    if (!keepsChannels(graph, next)) return undefined;
    if (next.opType === "Relu" || next.opType === "Clip") {
      rectified = true;
      upperBound = Math.min(upperBound, clipBounds(graph, next)?.high ?? Infinity);
    }
    if (next.opType === "Flatten") flat = true;
    between.push(next);
    tensor = next.output[0] ?? "";
  }
}

/** Operators that multiply through: each output channel depends on the same input channel, and scales with it. */
function keepsChannels(graph: Graph, node: NodeProto): boolean {
  if (node.domain !== "" || node.output.length !== 1) return false;
  switch (node.opType) {
    case "Relu":
    case "LeakyRelu":
    case "AveragePool":
    case "GlobalAveragePool":
    case "GlobalMaxPool":
    case "MaxPool":
      return true;
    case "Flatten":
      return intAttribute(node, "axis", 1) === 1;
    case "Clip":
      return clipBounds(graph, node)?.low === 0;
    default:
      return false;
  }
}

/** Whether a constant added to a channel before these operators arrives behind them unchanged, as far as nothing is cut off. */
export function passesConstants(link: LayerLink): boolean {
  return (
    isUnpadded(link.second.node) &&
    link.between.every((node) => {
      if (node.opType === "AveragePool" || node.opType === "MaxPool") return isUnpadded(node);
      return node.opType !== "LeakyRelu";
    })
  );
}

/** Zeros that are read at the border do not move with the channel. */
function isUnpadded(node: NodeProto): boolean {
  if (node.opType === "Gemm") return true;
  if (node.opType === "ConvTranspose") return false;
  const autoPad = findAttribute(node, "auto_pad");
  const mode = autoPad === undefined ? "NOTSET" : new TextDecoder().decode(autoPad.s);
  if (mode === "VALID") return true;
  const ceil = intAttribute(node, "ceil_mode", 0);
  return mode === "NOTSET" && ceil === 0 && (findAttribute(node, "pads")?.ints ?? []).every((pad) => pad === 0n);
}
