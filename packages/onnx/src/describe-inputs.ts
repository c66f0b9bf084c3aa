import { DataType } from "./data-type.ts";
import { parseModelFile } from "./reader.ts";
import type { ValueInfoProto } from "./proto.ts";
import { scanInputs } from "./scan-inputs.ts";
import type { ValueDescription } from "./session.ts";

/** Element types by the names that sessions give them. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [DataType.FLOAT, "float32"],
  [DataType.UINT8, "uint8"],
  [DataType.INT8, "int8"],
  [DataType.UINT16, "uint16"],
  [DataType.INT16, "int16"],
  [DataType.INT32, "int32"],
  [DataType.INT64, "int64"],
  [DataType.BOOL, "bool"],
  [DataType.FLOAT16, "float16"],
  [DataType.DOUBLE, "float64"],
  [DataType.UINT32, "uint32"],
  [DataType.UINT64, "uint64"],
]);

/**
 * What a model declares that it takes, read from its file without loading the model into ONNX Runtime, which `describeModel` does: all
 * that calibration data needs to be opened. Its weights are not read.
 * @throws ModelError when it is no ONNX model
 */
export async function describeInputs(path: string): Promise<ValueDescription[]> {
  return ((await scanInputs(path)) ?? (await parseInputs(path))).map(describeValue);
}

async function parseInputs(path: string): Promise<ValueInfoProto[]> {
  const { graph } = await parseModelFile(path);
  const initialized = new Set(graph?.initializer.map((tensor) => tensor.name));
  return (graph?.input ?? []).filter((value) => !initialized.has(value.name));
}

function describeValue({ name, type }: ValueInfoProto): ValueDescription {
  if (type?.value.case !== "tensorType") return { name, type: "non-tensor", shape: [] };
  const { elemType, shape } = type.value.value;
  return {
    name,
    type: TYPE_NAMES.get(elemType) ?? `type ${elemType}`,
    shape: (shape?.dim ?? []).map(({ value }) =>
      value.case === "dimValue" ? Number(value.value) : value.case === "dimParam" ? value.value : "",
    ),
  };
}
