import { create } from "@bufbuild/protobuf";
import { ModelError } from "./errors.ts";
import { DataType, dataTypeName } from "./data-type.ts";
import { TensorProtoSchema, type TensorProto } from "./proto.ts";

/** Bytes per element of the types whose raw data is a whole number of bytes per element. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.UINT8]: 1,
  [DataType.INT8]: 1,
  [DataType.UINT16]: 2,
  [DataType.INT16]: 2,
  [DataType.INT32]: 4,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.FLOAT16]: 2,
  [DataType.DOUBLE]: 8,
  [DataType.UINT32]: 4,
  [DataType.UINT64]: 8,
  [DataType.BFLOAT16]: 2,
};

type TensorArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** The shape of a tensor as plain numbers. */
export function dimsOf(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

/** How many elements a shape holds; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Builds an initializer whose data lies in raw_data, little-endian as ONNX demands. */
export function makeTensor(name: string, dims: readonly number[], data: TensorArray): TensorProto {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: dataTypeOf(data), rawData: bytes });
}

/** Like `makeTensor`, but the tensor keeps `data` itself instead of a copy: do not change it any more. */
export function adoptTensor(name: string, dims: readonly number[], data: TensorArray): TensorProto {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: dataTypeOf(data), rawData });
}

/**
 * The values of a float32 tensor, from raw_data or float_data.
 * @throws ModelError when the tensor has another type or fewer values than its shape says.
 */
export function readFloats(tensor: TensorProto): Float32Array {
  if (tensor.dataType !== DataType.FLOAT) {
    throw new ModelError(
      `cannot read tensor "${tensor.name}" as float32: its type is ${dataTypeName(tensor.dataType)}`,
      {
        code: "tensor-type",
        context: { tensor: tensor.name },
      },
    );
  }
  const count = checkedCount(tensor, tensor.rawData.length > 0 ? tensor.rawData.length / 4 : tensor.floatData.length);
  if (tensor.rawData.length === 0) return Float32Array.from(tensor.floatData);
  return new Float32Array(alignedBuffer(tensor.rawData), 0, count);
}

/** The values of an int64 or int32 tensor as numbers; throws ModelError for another type. */
export function readIntegers(tensor: TensorProto): number[] {
  const raw = tensor.rawData;
  switch (tensor.dataType) {
    case DataType.INT64: {
      const count = checkedCount(tensor, raw.length > 0 ? raw.length / 8 : tensor.int64Data.length);
      const values = raw.length > 0 ? new BigInt64Array(alignedBuffer(raw), 0, count) : tensor.int64Data;
      return Array.from(values, Number);
    }
    case DataType.INT32: {
      const count = checkedCount(tensor, raw.length > 0 ? raw.length / 4 : tensor.int32Data.length);
      return raw.length > 0 ? Array.from(new Int32Array(alignedBuffer(raw), 0, count)) : [...tensor.int32Data];
    }
    default:
      throw new ModelError(
        `cannot read tensor "${tensor.name}" as integers: its type is ${dataTypeName(tensor.dataType)}`,
        {
          code: "tensor-type",
          context: { tensor: tensor.name },
        },
      );
  }
}

/** How many bytes the tensor's shape and type need as raw data, or undefined for strings and packed types. */
export function rawByteLength(tensor: TensorProto): number | undefined {
  const size = ELEMENT_BYTES[tensor.dataType];
  return size === undefined ? undefined : size * elementCount(dimsOf(tensor));
}

/** How many bytes the values of a tensor take as they are stored, as raw data or listed. Its data is not touched, which may lie in a file. */
export function storedBytes(tensor: TensorProto): number {
  return rawByteLength(tensor) ?? tensor.rawData.length;
}

function checkedCount(tensor: TensorProto, found: number): number {
  const expected = elementCount(dimsOf(tensor));
  if (found === expected) return expected;
  throw new ModelError(
    `tensor "${tensor.name}" holds ${found} values but its shape [${dimsOf(tensor).join(", ")}] needs ${expected}: the model is damaged, export it again`,
    { code: "tensor-size", context: { tensor: tensor.name, expected, found } },
  );
}

/** Raw data lies at any offset of the file's bytes, but typed arrays need an aligned start. Not `slice`: that of a Buffer copies nothing. */
function alignedBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function dataTypeOf(data: TensorArray): number {
  if (data instanceof Float32Array) return DataType.FLOAT;
  if (data instanceof Float64Array) return DataType.DOUBLE;
  if (data instanceof Int8Array) return DataType.INT8;
  if (data instanceof Uint8Array) return DataType.UINT8;
  if (data instanceof Int32Array) return DataType.INT32;
  return DataType.INT64;
}
