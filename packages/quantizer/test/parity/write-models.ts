import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { serializeModel } from "@edgewatt/onnx";
import { feedsOf } from "./case.ts";
import { parityCases } from "./cases.ts";

/** Writes the models and samples of all cases into the folder that is named as the only argument, for bench/oracle/generate.py. */
const folder = argv[2] ?? ".";
await mkdir(folder, { recursive: true });
for (const parityCase of parityCases()) {
  await writeFile(join(folder, `${parityCase.name}.onnx`), serializeModel(parityCase.model));
  const samples = Array.from({ length: parityCase.samples }, (_, index) =>
    Object.fromEntries(
      Object.entries(feedsOf(parityCase, index)).map(([name, { type, dims, data }]) => [
        name,
        { type, dims, data: base64(data as Float32Array | Int32Array | BigInt64Array) },
      ]),
    ),
  );
  await writeFile(join(folder, `${parityCase.name}.samples.json`), JSON.stringify(samples));
}

function base64(data: Float32Array | Int32Array | BigInt64Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}
