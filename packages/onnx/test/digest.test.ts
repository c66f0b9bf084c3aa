import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestModel } from "../src/digest.ts";
import { readModel } from "../src/reader.ts";
import { writeModel } from "../src/writer.ts";
import { buildSmallMobileNet } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();

describe("digestModel", () => {
  it("is the same for the same model, wherever its weights are kept", async () => {
    const digest = digestModel(buildSmallMobileNet());
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    for (const externalData of [false, true]) {
      const path = join(folder, `${externalData}.onnx`);
      await writeModel(buildSmallMobileNet(), path, { externalData });
      expect(digestModel(await readModel(path))).toBe(digest);
    }
  });

  it("differs for another weight, shape, node or attribute", () => {
    const digests = [
      buildSmallMobileNet(),
      buildSmallMobileNet({ seed: 2 }),
      change((graph) => (graph.initializer[0]!.rawData[3]! ^= 1)),
      change((graph) => graph.initializer[0]!.dims.push(1n)),
      change((graph) => (graph.node[2]!.opType = "LeakyRelu")),
      change((graph) => graph.node[0]!.attribute[0]!.ints.push(1n)),
    ].map(digestModel);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

function change(edit: (graph: NonNullable<ReturnType<typeof buildSmallMobileNet>["graph"]>) => unknown) {
  const model = buildSmallMobileNet();
  edit(model.graph!);
  return model;
}
