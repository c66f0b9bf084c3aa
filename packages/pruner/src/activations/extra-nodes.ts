import {
  deriveModel,
  makeNode,
  makeOutput,
  makeTensor,
  subModel,
  type Graph,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";

type Attributes = Parameters<typeof makeNode>[4];

/** Nodes that are added to a part of a model so that ONNX Runtime computes what would be slow here. */
export class ExtraNodes {
  readonly #graph: Graph;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Adds a node and returns the name of its output. */
  add(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.#graph.uniqueName(`pruner_${opType}`);
    this.#nodes.push(makeNode(opType, this.#graph.uniqueName(`${output}_node`), inputs, [output], attributes));
    return output;
  }

  /** Adds a node that is made already. */
  addNode(node: NodeProto): void {
    this.#nodes.push(node);
  }

  constant(dims: readonly number[], data: Float32Array | BigInt64Array): string {
    const tensor = makeTensor(this.#graph.uniqueName("pruner_constant"), dims, data);
    this.#initializers.push(tensor);
    return tensor.name;
  }

  integers(...values: number[]): string {
    return this.constant([values.length], BigInt64Array.from(values, BigInt));
  }

  /**
   * The part of the model that computes `tensors`, with these nodes, which give `outputs`.
   * @param inputs further inputs that these nodes read
   */
  model(tensors: readonly string[], outputs: readonly string[], inputs: ModelInputs = []): ModelProto {
    const extra = { nodes: this.#nodes, initializers: this.#initializers };
    const model = subModel(this.#graph, tensors, outputs.map(makeOutput), extra);
    return deriveModel(model, { input: [...(model.graph?.input ?? []), ...inputs] });
  }
}

type ModelInputs = NonNullable<ModelProto["graph"]>["input"];
