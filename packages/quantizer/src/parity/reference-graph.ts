import { deriveModel, deriveNode, Graph, type ModelProto, type NodeProto, type TensorProto } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";

/**
 * The main graph as the reference's `ONNXModel` (onnx_model.py) rewrites it: names are replaced in all nodes at once, new nodes go to the
 * end, and they are sorted last. Works on copies of the nodes; the model that it was made of stays as it is.
 */
export class ReferenceGraph {
  readonly #model: ModelProto;
  readonly #outputs: ReadonlySet<string>;
  readonly #initializers: Map<string, TensorProto>;
  #inputs: string[];
  #nodes: NodeProto[];
  readonly #readers = new Map<string, Set<NodeProto>>();

  constructor(model: ModelProto) {
    this.#model = model;
    const graph = model.graph;
    this.#nodes = (graph?.node ?? []).map((node) =>
      deriveNode(node, { input: [...node.input], output: [...node.output] }),
    );
    this.#initializers = new Map((graph?.initializer ?? []).map((tensor) => [tensor.name, tensor]));
    this.#inputs = (graph?.input ?? []).map((input) => input.name);
    this.#outputs = new Set((graph?.output ?? []).map((output) => output.name));
    for (const node of this.#nodes) this.#index(node);
  }

  get nodes(): readonly NodeProto[] {
    return this.#nodes;
  }

  initializer(name: string): TensorProto | undefined {
    return this.#initializers.get(name);
  }

  isInput(name: string): boolean {
    return this.#inputs.includes(name);
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }

  /** How often nodes name the tensor among their inputs: a node that reads it twice counts twice (`input_name_to_nodes`). */
  readCount(name: string): number {
    let count = 0;
    for (const node of this.#readers.get(name) ?? []) count += node.input.filter((input) => input === name).length;
    return count;
  }

  /** `replace_input_of_all_nodes`; with a node name `replace_input_of_nodes`, which takes all nodes of that name. */
  replaceInput(from: string, to: string, nodeName?: string): void {
    for (const node of this.#readers.get(from) ?? []) {
      if (nodeName !== undefined && node.name !== nodeName) continue;
      node.input = node.input.map((input) => (input === from ? to : input));
      this.#readers.get(from)?.delete(node);
      this.#index(node);
    }
  }

  /** `replace_output_of_all_nodes`. */
  replaceOutput(from: string, to: string): void {
    for (const node of this.#nodes)
      if (node.output.includes(from)) node.output = node.output.map((output) => (output === from ? to : output));
  }

  addNodes(...nodes: NodeProto[]): void {
    this.#nodes.push(...nodes);
    for (const node of nodes) this.#index(node);
  }

  removeNodes(nodes: ReadonlySet<NodeProto>): void {
    this.#nodes = this.#nodes.filter((node) => !nodes.has(node));
    for (const node of nodes) for (const name of node.input) this.#readers.get(name)?.delete(node);
  }

  /** `add_initializer`: one of that name that is there already stays. */
  addInitializer(tensor: TensorProto): void {
    if (!this.#initializers.has(tensor.name)) this.#initializers.set(tensor.name, tensor);
  }

  /** `remove_initializer`: the input that declares it goes with it. */
  removeInitializer(name: string): void {
    this.#initializers.delete(name);
    this.#inputs = this.#inputs.filter((input) => input !== name);
  }

  /** `get_largest_initializer_name_suffix`: -1 where no initializer is named `prefix` with a number behind, as Python reads numbers: 1_2 is 12. */
  largestSuffix(prefix: string): number {
    let largest = -1;
    for (const name of this.#initializers.keys()) {
      const suffix = name.startsWith(prefix) ? name.slice(prefix.length) : "";
      if (/^\d+(_\d+)*$/.test(suffix)) largest = Math.max(largest, Number(suffix.replaceAll("_", "")));
    }
    return largest;
  }

  /** The model with the changed graph, sorted, without initializers that nothing reads. */
  toModel(): ModelProto {
    const inputs = new Set(this.#inputs);
    const model = deriveModel(this.#model, { node: this.#sorted(), initializer: [...this.#initializers.values()] });
    model.producerName = "edgewatt";
    if (model.graph !== undefined) {
      model.graph.input = model.graph.input.filter((input) => inputs.has(input.name));
      model.graph.valueInfo = [];
    }
    new Graph(model).removeUnusedInitializers();
    return model;
  }

  #index(node: NodeProto): void {
    for (const name of node.input) {
      if (name === "") continue;
      const readers = this.#readers.get(name);
      if (readers === undefined) this.#readers.set(name, new Set([node]));
      else readers.add(node);
    }
  }

  /** `topological_sort`: breadth first, from the names of initializers and inputs in alphabetical order. */
  #sorted(): NodeProto[] {
    const waiting = new Map<NodeProto, number>();
    const readers = new Map<string, NodeProto[]>();
    const sorted: NodeProto[] = [];
    for (const node of this.#nodes) {
      const names = node.input.filter((name) => name !== "");
      waiting.set(node, names.length);
      if (names.length === 0) sorted.push(node);
      for (const name of names) {
        const known = readers.get(name);
        if (known === undefined) readers.set(name, [node]);
        else known.push(node);
      }
    }
    const release = (name: string): void => {
      for (const node of readers.get(name) ?? []) {
        const left = (waiting.get(node) ?? 0) - 1;
        waiting.set(node, left);
        if (left === 0) sorted.push(node);
      }
    };
    for (const name of [...new Set([...this.#initializers.keys(), ...this.#inputs])].toSorted()) release(name);
    // The list grows while it is walked.
    for (let index = 0; index < sorted.length; index++) for (const name of sorted[index]?.output ?? []) release(name);
    if (sorted.length !== this.#nodes.length) {
      throw new QuantizerError("the reference quantizer fails on this model: the graph that it makes has a cycle", {
        code: "reference-fails",
        context: { nodes: this.#nodes.length, sorted: sorted.length },
      });
    }
    return sorted;
  }
}
