import { OnnxError } from "@edgewatt/onnx";

/** A model that could be read but not be pruned as promised, or options that it cannot be pruned by. */
export class PrunerError extends OnnxError {}
