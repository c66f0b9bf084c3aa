import { create } from "@bufbuild/protobuf";
import { makeAttribute, type AttributeValue } from "./attributes.ts";
import { ModelError } from "./errors.ts";
import {
  NodeProtoSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";

/**
 * The main graph of a model, with the look-ups that rewriting needs. It works on the model itself; the look-ups are
 * rebuilt after each change, on the next question.
 */
export class Graph {
  readonly model: ModelProto;
  readonly #proto: GraphProto;
  #index: GraphIndex | undefined;
  #names: Set<string> | undefined;

  constructor(model: ModelProto) {
    if (model.graph === undefined)
      throw new ModelError("the model holds no graph: export it again", { code: "model-damaged" });
    this.model = model;
    this.#proto = model.graph;
  }

  /** The nodes in file order. Change them only through the methods here, or call `changed()` after. */
  get nodes(): readonly NodeProto[] {
    return this.#proto.node;
  }

  /** Names of the inputs that a caller must feed: those without an initializer. */
  get inputNames(): string[] {
    const initializers = this.#lookup().initializers;
    return this.#proto.input.map((input) => input.name).filter((name) => !initializers.has(name));
  }

  get initializers(): readonly TensorProto[] {
    return this.#proto.initializer;
  }

  /** Inputs, outputs and inner tensors whose type or shape the file declares. */
  get declaredValues(): readonly ValueInfoProto[] {
    return [...this.#proto.input, ...this.#proto.output, ...this.#proto.valueInfo];
  }

  get outputNames(): string[] {
    return this.#proto.output.map((output) => output.name);
  }

  /** The version of the default operator set. */
  get opset(): number {
    const own = this.model.opsetImport.find((entry) => entry.domain === "" || entry.domain === "ai.onnx");
    return own === undefined ? 1 : Number(own.version);
  }

  isOutput(name: string): boolean {
    return this.#lookup().outputs.has(name);
  }

  initializer(name: string): TensorProto | undefined {
    return this.#lookup().initializers.get(name);
  }

  /** The initializer, unless a caller may override it by feeding an input of that name (possible since IR version 4). */
  constant(name: string): TensorProto | undefined {
    const overridable = this.model.irVersion >= 4n && this.#lookup().inputs.has(name);
    return overridable ? undefined : this.initializer(name);
  }

  /** The node that writes the tensor; undefined for inputs and initializers. */
  producer(name: string): NodeProto | undefined {
    return this.#lookup().producers.get(name);
  }

  /** The nodes that read the tensor, each once, those with a sub-graph that reads it included. */
  consumers(name: string): readonly NodeProto[] {
    return this.#lookup().consumers.get(name) ?? [];
  }

  /** The only node that reads the tensor, when nothing else sees it, not even the caller. */
  soleConsumer(name: string): NodeProto | undefined {
    const readers = this.consumers(name);
    return readers.length === 1 && !this.isOutput(name) ? readers[0] : undefined;
  }

  /** A name that no tensor or node has yet, and that is taken by this call. */
  uniqueName(base: string): string {
    this.#names ??= new Set(namesIn(this.#proto));
    let name = base;
    for (let suffix = 1; this.#names.has(name); suffix++) name = `${base}_${suffix}`;
    this.#names.add(name);
    return name;
  }

  addInitializer(tensor: TensorProto): void {
    this.#proto.initializer.push(tensor);
    this.#index?.initializers.set(tensor.name, tensor);
  }

  /** Whether a graph inside a node (If, Loop, Scan) reads the tensor by its name, so that it cannot be called otherwise. */
  isReadInside(name: string): boolean {
    return this.consumers(name).some((node) => !node.input.includes(name));
  }

  /** Lets the nodes that read `from` read `to`; graphs inside nodes keep reading `from`. */
  redirect(from: string, to: string): void {
    for (const node of this.consumers(from)) node.input = node.input.map((name) => (name === from ? to : name));
    this.changed();
  }

  removeNodes(nodes: ReadonlySet<NodeProto>): void {
    if (nodes.size === 0) return;
    this.#proto.node = this.#proto.node.filter((node) => !nodes.has(node));
    this.changed();
  }

  /** Replaces all nodes; they must already be in topological order. */
  setNodes(nodes: readonly NodeProto[]): void {
    this.#proto.node = [...nodes];
    this.changed();
  }

  /** Drops initializers that nothing reads, and the inputs that only declared them (IR version 3 and older). */
  removeUnusedInitializers(): void {
    const { consumers, outputs } = this.#lookup();
    const unused = new Set<string>();
    this.#proto.initializer = this.#proto.initializer.filter((tensor) => {
      const used = consumers.has(tensor.name) || outputs.has(tensor.name);
      if (!used) unused.add(tensor.name);
      return used;
    });
    this.#proto.input = this.#proto.input.filter((input) => !unused.has(input.name));
    this.changed();
  }

  /**
   * Takes initializers out of the inputs. Until IR version 3 every initializer had to be listed there, and since version 4 that means that a caller
   * may override it.
   */
  hideInitializers(): void {
    const { initializers } = this.#lookup();
    this.#proto.input = this.#proto.input.filter((input) => !initializers.has(input.name));
    this.changed();
  }

  /** Sorts the nodes so that each stands after those it reads from; throws ModelError on a cycle. Ties keep file order. */
  sortTopologically(): void {
    const sorted = topologicalOrder(this.#proto.node);
    if (sorted === undefined)
      throw new ModelError("the graph has a cycle: export the model again", { code: "graph-cycle" });
    this.setNodes(sorted);
  }

  /** Forgets the look-ups; call it after changing a node in place. */
  changed(): void {
    this.#index = undefined;
  }

  #lookup(): GraphIndex {
    this.#index ??= buildIndex(this.#proto);
    return this.#index;
  }
}

/** Builds a node of the default operator set (or of `domain`). */
export function makeNode(
  opType: string,
  name: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = "",
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    domain,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => makeAttribute(key, value)),
  });
}

interface GraphIndex {
  readonly producers: Map<string, NodeProto>;
  readonly consumers: Map<string, NodeProto[]>;
  readonly initializers: Map<string, TensorProto>;
  readonly inputs: Set<string>;
  readonly outputs: Set<string>;
}

function buildIndex(graph: GraphProto): GraphIndex {
  const producers = new Map<string, NodeProto>();
  const consumers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const name of node.output) {
      if (name !== "") producers.set(name, node);
    }
    for (const name of new Set(readsOf(node))) {
      const readers = consumers.get(name);
      if (readers === undefined) consumers.set(name, [node]);
      else readers.push(node);
    }
  }
  return {
    producers,
    consumers,
    initializers: new Map(graph.initializer.map((tensor) => [tensor.name, tensor])),
    inputs: new Set(graph.input.map((input) => input.name)),
    outputs: new Set(graph.output.map((output) => output.name)),
  };
}

/** All names of a graph and of the graphs inside its nodes, which must not use an outer name again. */
function* namesIn(graph: GraphProto): Generator<string> {
  for (const value of [...graph.input, ...graph.output, ...graph.initializer]) yield value.name;
  for (const node of graph.node) {
    yield node.name;
    yield* node.input;
    yield* node.output;
    for (const inner of innerGraphs(node)) yield* namesIn(inner);
  }
}

/** The nodes in an order in which each stands after those it reads from, ties in the given order; undefined where there is a cycle. */
export function topologicalOrder(nodes: readonly NodeProto[]): NodeProto[] | undefined {
  const producers = new Map<string, NodeProto>();
  for (const node of nodes) {
    for (const name of node.output) producers.set(name, node);
  }
  // Asked for several times, and costly for nodes that hold graphs.
  const reads = new Map(nodes.map((node) => [node, readsOf(node)]));
  const sorted: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  for (const root of nodes) {
    // An explicit stack, as a deep network would overflow the call stack.
    const stack = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const waiting = state.get(node) === "done" ? [] : waitingFor(reads.get(node) ?? [], producers, state);
      if (waiting.some((producer) => state.get(producer) === "open" || producer === node)) return undefined;
      if (waiting.length > 0) {
        state.set(node, "open");
        for (const producer of waiting.toReversed()) stack.push(producer);
        continue;
      }
      if (state.get(node) !== "done") sorted.push(node);
      state.set(node, "done");
      stack.pop();
    }
  }
  return sorted;
}

function waitingFor(
  reads: readonly string[],
  producers: ReadonlyMap<string, NodeProto>,
  state: ReadonlyMap<NodeProto, "open" | "done">,
): NodeProto[] {
  const waiting: NodeProto[] = [];
  for (const name of reads) {
    const producer = producers.get(name);
    if (producer !== undefined && state.get(producer) !== "done") waiting.push(producer);
  }
  return waiting;
}

/** The graphs inside a node (If, Loop, Scan). */
export function innerGraphs(node: NodeProto): readonly GraphProto[] {
  // Hardly any node has some, and each is asked whenever look-ups are built.
  return node.attribute.some((attribute) => attribute.g !== undefined || attribute.graphs.length > 0)
    ? node.attribute.flatMap((attribute) => (attribute.g === undefined ? attribute.graphs : [attribute.g]))
    : [];
}

/** What a node reads, including what its sub-graphs (If, Loop) take from outside. */
function readsOf(node: NodeProto): string[] {
  const reads = node.input.filter((name) => name !== "");
  for (const inner of innerGraphs(node)) reads.push(...outerReads(inner));
  return reads;
}

function outerReads(graph: GraphProto): string[] {
  const own = new Set<string>([
    ...graph.input.map((input) => input.name),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.flatMap((node) => node.output),
  ]);
  // Each name once, or names would multiply with each level of graphs inside graphs.
  const reads = new Set([...graph.node.flatMap(readsOf), ...graph.output.map((output) => output.name)]);
  return [...reads].filter((name) => !own.has(name));
}

/** What a derived model has in place of the original's. */
export type GraphChanges = Partial<Pick<GraphProto, "node" | "input" | "output" | "initializer">>;

/**
 * A model with other nodes, inputs, outputs or initializers in its graph; everything else, the weights above all, is shared with
 * the original, so it costs no memory. Change neither's shared parts while both are in use.
 */
export function deriveModel(model: ModelProto, changes: GraphChanges): ModelProto {
  return shallowCopy(model, { graph: shallowCopy<GraphProto>(model.graph as GraphProto, changes) });
}

/** A node with other inputs and outputs; its attributes are shared with the original. */
export function deriveNode(node: NodeProto, changes: Pick<NodeProto, "input" | "output">): NodeProto {
  return shallowCopy<NodeProto>(node, changes);
}

/** Messages of proto2 keep their defaults on the prototype, which a spread would lose. */
export function shallowCopy<T extends object>(message: T, changes: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message, changes);
}

/** Declares a graph output whose type and shape ONNX Runtime infers. */
export function makeOutput(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}
