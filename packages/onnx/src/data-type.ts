/** Numbers of the element types that are read or written here (TensorProto.DataType of onnx.proto); files hold them as plain integers. */
export const DataType = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  BFLOAT16: 16,
} as const;

/** What a message calls an element type. */
export function dataTypeName(dataType: number): string {
  return Object.entries(DataType).find(([, value]) => value === dataType)?.[0] ?? `number ${dataType}`;
}
