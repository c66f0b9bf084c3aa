import { createHash } from "node:crypto";
import { clearField, toBinary } from "@bufbuild/protobuf";
import { deriveModel, shallowCopy } from "./graph.ts";
import { ModelProtoSchema, TensorProtoSchema, type ModelProto } from "./proto.ts";

/** SHA-256, in hexadecimal, of a model's graph and weights; it is the same wherever the model keeps its weights and however large they are. */
export function digestModel(model: ModelProto): string {
  const hash = createHash("sha256");
  hash.update(toBinary(ModelProtoSchema, deriveModel(model, { initializer: [] })));
  for (const tensor of model.graph?.initializer ?? []) {
    const header = shallowCopy(tensor, {});
    clearField(header, TensorProtoSchema.field.rawData);
    clearField(header, TensorProtoSchema.field.dataLocation);
    hash.update(toBinary(TensorProtoSchema, header));
    hash.update(tensor.rawData);
  }
  return hash.digest("hex");
}
