import { it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { expectHandled } from "./mutations/expect-handled.ts";

const folder = await useTempDir();

// Many small processes' worth of work on a small shared machine: a limit that only a hang reaches.
it("1,000 damaged models give a one-line error and no file, or a model that loads", { timeout: 600_000 }, async () => {
  await expectHandled(folder, 1_001, 1_000);
});
