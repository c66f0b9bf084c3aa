import { makeNode, makeTensor } from "@edgewatt/onnx";
import type { QuantParams } from "../int8/arithmetic.ts";
import { QuantizerError } from "../errors.ts";
import type { BiasMark, Marks } from "./marks.ts";
import { quantizeBias, quantizeInitializer, type InitializerParams } from "./numbers.ts";

/** Where a quantized tensor's value is found again, and at which scale (`QuantizedValue`). */
interface QuantizedValue {
  readonly dequantized: string;
  readonly scale: string;
  readonly zeroPoint: string;
  readonly scales: Float32Array;
}

/** Puts QuantizeLinear and DequantizeLinear around what is marked, under the reference's names and in its order. */
export class Inserter {
  readonly #marks: Marks;
  readonly #type: "uint8" | "int8";
  readonly #values = new Map<string, QuantizedValue>();

  constructor(marks: Marks, type: "uint8" | "int8") {
    this.#marks = marks;
    this.#type = type;
  }

  /** For each quantized tensor the name under which the int8 model has its dequantized value. */
  get dequantized(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#values, ([name, value]) => [name, value.dequantized]));
  }

  /** `_quantize_normal_tensors`: initializers, and activations with parameters of their own. */
  insertTensors(
    initializers: ReadonlyMap<string, InitializerParams>,
    activations: ReadonlyMap<string, QuantParams>,
  ): void {
    for (const [name, { likeTensor }] of this.#marks.tensors) {
      if (likeTensor !== undefined) continue;
      const params = initializers.get(name);
      if (params === undefined) this.#insertActivation(name, this.#addActivationParams(name, activations.get(name)));
      else this.#insertInitializer(name, params);
    }
  }

  /** `_quantize_sharing_param_tensors`: those that take the parameters of another tensor, once that has some. */
  insertSharing(): void {
    const waiting = new Map(
      [...this.#marks.tensors].flatMap(([name, { likeTensor }]) =>
        likeTensor === undefined || this.#values.has(name) ? [] : [[name, likeTensor] as const],
      ),
    );
    while (waiting.size > 0) {
      const before = waiting.size;
      for (const [name, like] of waiting) {
        const value = this.#values.get(like);
        if (value === undefined) continue;
        waiting.delete(name);
        this.#insertActivation(name, value);
      }
      if (waiting.size < before) continue;
      const [[name, like] = ["", ""]] = waiting;
      throw new QuantizerError(
        `the reference quantizer never ends on this model: "${name}" is to take the scale of "${like}", which gets none`,
        { code: "reference-fails", context: { tensor: name, like } },
      );
    }
  }

  /** `_quantize_bias_tensors`: int32 behind a DequantizeLinear that writes the bias's own name. */
  insertBiases(): void {
    for (const [name, mark] of this.#marks.biases) if (!this.#values.has(name)) this.#insertBias(name, mark);
  }

  #insertBias(name: string, { input, weight, beta }: BiasMark): void {
    const { graph } = this.#marks;
    const bias = graph.initializer(name);
    const inputScales = this.#values.get(input)?.scales;
    const weightScales = this.#values.get(weight)?.scales;
    if (bias === undefined || inputScales === undefined || weightScales === undefined) {
      throw new QuantizerError(
        `the reference quantizer fails on bias "${name}": ${inputScales === undefined ? input : weight} is not quantized`,
        { code: "reference-fails", context: { tensor: name, input, weight } },
      );
    }
    const quantized = `${name}_quantized`;
    const { data, scales } = quantizeBias(bias, quantized, { input: inputScales, weight: weightScales, beta });
    const isPerChannel = scales.length > 1;
    graph.addInitializer(data);
    graph.addInitializer(makeTensor(`${quantized}_scale`, [scales.length], scales));
    graph.addInitializer(
      makeTensor(`${quantized}_zero_point`, isPerChannel ? [scales.length] : [], new Int32Array(scales.length)),
    );
    graph.removeInitializer(name);
    const value = { dequantized: name, scale: `${quantized}_scale`, zeroPoint: `${quantized}_zero_point`, scales };
    this.#values.set(name, value);
    this.#addDequantize(name, quantized, value, isPerChannel ? 0 : undefined);
  }

  /** `_add_qdq_nodes_for_initializer`. */
  #insertInitializer(name: string, params: InitializerParams): void {
    const { graph } = this.#marks;
    const tensor = graph.initializer(name);
    if (tensor === undefined) return;
    const sides = params.axis === undefined ? [] : [params.scales.length];
    const zeroPoints = params.type === "uint8" ? Uint8Array.from(params.zeroPoints) : Int8Array.from(params.zeroPoints);
    const value = {
      dequantized: `${name}_DequantizeLinear_Output`,
      scale: `${name}_scale`,
      zeroPoint: `${name}_zero_point`,
      scales: params.scales,
    };
    graph.addInitializer(makeTensor(value.zeroPoint, sides, zeroPoints));
    graph.addInitializer(makeTensor(value.scale, sides, params.scales));
    graph.replaceInput(name, value.dequantized);
    graph.addInitializer(quantizeInitializer(tensor, params, `${name}_quantized`));
    this.#addDequantize(name, `${name}_quantized`, value, params.axis);
    this.#values.set(name, value);
  }

  /** `_add_qdq_pair_for_activation`: a graph output keeps its name, and what writes it gets another. */
  #insertActivation(name: string, params: Pick<QuantizedValue, "scale" | "zeroPoint" | "scales">): void {
    const { graph } = this.#marks;
    let written = name;
    let dequantized = `${name}_DequantizeLinear_Output`;
    if (graph.isOutput(name)) {
      written = `${name}_QuantizeLinear_Input`;
      dequantized = name;
      graph.replaceOutput(name, written);
    } else graph.replaceInput(name, dequantized);
    const quantized = `${name}_QuantizeLinear_Output`;
    const value = { ...params, dequantized };
    graph.addNodes(
      makeNode("QuantizeLinear", `${name}_QuantizeLinear`, [written, params.scale, params.zeroPoint], [quantized]),
    );
    this.#addDequantize(name, quantized, value, undefined);
    this.#values.set(name, value);
  }

  #addActivationParams(
    name: string,
    params: QuantParams | undefined,
  ): Pick<QuantizedValue, "scale" | "zeroPoint" | "scales"> {
    if (params === undefined) {
      throw new QuantizerError(`tensor "${name}" is to be quantized but calibration gave no range for it`, {
        code: "range-missing",
        context: { tensor: name },
      });
    }
    const zeroPoint = this.#type === "uint8" ? Uint8Array.of(params.zeroPoint) : Int8Array.of(params.zeroPoint);
    const value = {
      scale: `${name}_scale`,
      zeroPoint: `${name}_zero_point`,
      scales: Float32Array.of(params.scale),
    };
    this.#marks.graph.addInitializer(makeTensor(value.zeroPoint, [], zeroPoint));
    this.#marks.graph.addInitializer(makeTensor(value.scale, [], value.scales));
    return value;
  }

  #addDequantize(name: string, quantized: string, value: QuantizedValue, axis: number | undefined): void {
    this.#marks.graph.addNodes(
      makeNode(
        "DequantizeLinear",
        `${name}_DequantizeLinear`,
        [quantized, value.scale, value.zeroPoint],
        [value.dequantized],
        axis === undefined ? {} : { axis: BigInt(axis) },
      ),
    );
  }
}
