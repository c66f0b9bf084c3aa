import type { ParityCase } from "./case.ts";
import { arbitraryWeights, batchNorms, branches, linear, network, sharing, transposed } from "./cases-network.ts";
import {
  constantNodes,
  embeddings,
  independent,
  moving,
  norms,
  opset10,
  opset11,
  unnamedNodes,
} from "./cases-operators.ts";

/** Every operator of the reference's registry, and every decision of its quantizer, in small models. */
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
  ];
}
