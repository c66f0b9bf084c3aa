import { it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { expectHandled } from "./mutations/expect-handled.ts";

const folder = await useTempDir();

it("100 damaged models give a one-line error and no file, or a model that loads", async () => {
  await expectHandled(folder, 1, 100);
});
