import type { ParityCase } from "./case.ts";
import {
  arbitraryWeights,
  batchNorms,
  branches,
  columnBias,
  largeColumnBias,
  linear,
  network,
  numberedBiases,
  sharing,
  transposed,
} from "./cases-network.ts";
import {
  constantNodes,
  embeddings,
  independent,
  moving,
  norms,
  opset10,
  opset11,
  unnamedNodes,
  untypedSoftmax,
} from "./cases-operators.ts";
import { carriedScales, constantActivation, elementwiseWeight, unfitScales } from "./cases-shared-weights.ts";

/** Every operator of the reference's registry, and every decision of its quantizer, in small models; some of them it refuses. */
export function parityCases(): ParityCase[] {
  return [
    network(),
    branches(),
    sharing(),
    linear(),
    arbitraryWeights(),
    transposed(),
    batchNorms(),
    moving(),
    independent(),
    norms(),
    embeddings(),
    opset11(),
    opset10(),
    constantNodes(),
    unnamedNodes(),
    numberedBiases(),
    columnBias(),
    largeColumnBias(),
    elementwiseWeight(),
    carriedScales(),
    unfitScales(),
    constantActivation(),
    untypedSoftmax(),
  ];
}
