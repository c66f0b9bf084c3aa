import { DataType, dimsOf, makeTensor, readFloats, type NodeProto } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";
import type { ReferenceGraph } from "./reference-graph.ts";

/** A tensor that an operator wants quantized (`QDQTensorQuantInfo`). */
interface TensorMark {
  /** Weights have the weights' type, all else the activations'. */
  readonly kind: "activation" | "weight";
  /** Of per-channel weights. */
  readonly axis?: number;
  /** The tensor whose scale and zero point it uses. */
  readonly likeTensor?: string;
}

/** A bias that an operator wants quantized at the product of the two scales (`QDQBiasQuantInfo`). */
export interface BiasMark {
  readonly input: string;
  readonly weight: string;
  readonly beta: number;
}

/** What the operators' rules see and change: the part of the reference's `QDQQuantizer` that marks tensors, in its order. */
export class Marks {
  readonly graph: ReferenceGraph;
  readonly opset: number;
  readonly tensors = new Map<string, TensorMark>();
  readonly biases = new Map<string, BiasMark>();
  readonly removed = new Set<NodeProto>();
  readonly #floats: ReadonlySet<string>;
  /** Biases that were copied for a second owner. */
  readonly #copies = new Set<string>();
  readonly #calibrated: { has(tensor: string): boolean };
  readonly #perChannel: boolean;

  constructor(
    graph: ReferenceGraph,
    settings: {
      readonly opset: number;
      /** Tensors that are known to be float32. */
      readonly floats: ReadonlySet<string>;
      /** Tensors that calibration found a range for. */
      readonly calibrated: { has(tensor: string): boolean };
      readonly perChannel: boolean;
    },
  ) {
    this.graph = graph;
    this.opset = settings.opset;
    this.#floats = settings.floats;
    this.#calibrated = settings.calibrated;
    this.#perChannel = settings.perChannel;
  }

  isFloat(tensor: string): boolean {
    return this.#floats.has(tensor) || this.#copies.has(tensor);
  }

  /** `is_tensor_quantized`. */
  isQuantized(tensor: string): boolean {
    return this.tensors.has(tensor) || this.biases.has(tensor);
  }

  /** `quantize_activation_tensor`. */
  activation(tensor: string): void {
    this.#mark(tensor, "activation");
  }

  /** `quantize_weight_tensor`. */
  weight(tensor: string): void {
    this.#mark(tensor, "weight");
  }

  /**
   * `is_tensor_per_channel` with what follows it: per channel on the axis where that is asked for and possible, else per tensor. Of
   * copied biases, which become weights where nodes have no names to tell them apart, the reference does not know the rank.
   */
  weightOnAxis(tensor: string, defaultAxis: number): void {
    const initializer = this.graph.initializer(tensor);
    const isKnown = initializer !== undefined && !this.#copies.has(tensor);
    if (!isKnown || !this.#perChannel || defaultAxis >= initializer.dims.length) this.weight(tensor);
    else if (initializer.dataType === DataType.FLOAT) this.tensors.set(tensor, { kind: "weight", axis: defaultAxis });
  }

  /** `quantize_output_same_as_input`: it replaces a mark of its own. */
  outputLike(output: string, input: string): void {
    if (this.isFloat(output)) this.tensors.set(output, { kind: "activation", likeTensor: input });
  }

  /** `quantize_bias_tensor`: a bias that has an owner already is copied, and nodes of this name read the copy. */
  bias(nodeName: string, tensor: string, input: string, weight: string, beta = 1): void {
    const initializer = this.graph.initializer(tensor);
    if (initializer?.dataType !== DataType.FLOAT) return;
    let name = tensor;
    if (this.biases.has(tensor)) {
      name = `${tensor}${this.graph.largestSuffix(tensor) + 1}`;
      this.#copies.add(name);
      this.graph.addInitializer(makeTensor(name, dimsOf(initializer), readFloats(initializer)));
      this.graph.replaceInput(tensor, name, nodeName);
    }
    this.biases.set(name, { input, weight, beta });
  }

  /**
   * `try_replacing_upstream_output`: the node before writes the tensor after, so that the activation between them can go.
   * @throws QuantizerError where the reference looks in vain for the range of a constant
   */
  replaceUpstream(upstream: string, output: string): boolean {
    const { graph } = this;
    if (!this.#calibrated.has(output)) return false;
    if (!this.#calibrated.has(upstream)) {
      throw new QuantizerError(
        `the reference quantizer fails on the activation of constant "${upstream}": fold constants first, as --parity ort-preprocessed does`,
        { code: "reference-fails", context: { tensor: upstream } },
      );
    }
    const isPossible = graph.readCount(upstream) === 1 && !graph.isOutput(upstream) && !graph.isInput(upstream);
    if (!isPossible) return false;
    graph.replaceOutput(upstream, output);
    this.tensors.delete(upstream);
    return true;
  }

  #mark(tensor: string, kind: "activation" | "weight"): void {
    if (this.isFloat(tensor) && !this.tensors.has(tensor)) this.tensors.set(tensor, { kind });
  }
}
