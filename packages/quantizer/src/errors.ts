import { OnnxError } from "@edgewatt/onnx";

/** A model that could be read but not be quantized as promised, or options that contradict each other. */
export class QuantizerError extends OnnxError {}
