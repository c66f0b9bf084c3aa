import type { Session, TensorValue } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ExpectedOutputs, KeptOutputs } from "../../src/quality/expected-outputs.ts";

const tensor = (length: number, value = 0): TensorValue => ({
  type: "float32",
  dims: [1, length],
  data: new Float32Array(length).fill(value),
});

describe("ExpectedOutputs", () => {
  it("runs the model only for what was not kept, and closes it in the end", async () => {
    const done: string[] = [];
    const session: Session = {
      inputs: [],
      outputs: [],
      async run({ x }) {
        done.push("run");
        return { y: x ?? tensor(0) };
      },
      async close() {
        done.push("close");
      },
      [Symbol.asyncDispose]: () => session.close(),
    };
    const kept = new KeptOutputs();
    kept.keep(0, { y: tensor(2, 5) });
    {
      await using expected = new ExpectedOutputs(async () => {
        done.push("open");
        return session;
      }, kept);
      expect((await expected.at(0, { x: tensor(2, 9) }, undefined))["y"]).toEqual(tensor(2, 5));
      expect(done).toEqual([]);
      for (let time = 0; time < 2; time++)
        expect((await expected.at(4, { x: tensor(2, 9) }, undefined))["y"]).toEqual(tensor(2, 9));
    }
    expect(done).toEqual(["open", "run", "close"]);
  });

  it("keeps no more than 16 MB", () => {
    const kept = new KeptOutputs();
    const values = 2 ** 21;
    for (const offset of [0, 4, 8]) kept.keep(offset, { y: tensor(values) });
    expect([0, 4, 8].map((offset) => kept.at(offset) !== undefined)).toEqual([true, true, false]);
  });
});
