import {
  fittingBatches,
  fixedBatch,
  openSession,
  stageModel,
  throwIfCanceled,
  type DataSource,
  type ModelProto,
  type Session,
} from "@edgewatt/onnx";
import { PrunerError } from "./errors.ts";

interface CheckOptions {
  readonly input: string;
  readonly output: string;
  readonly calibration: DataSource;
  readonly signal?: AbortSignal;
}

/**
 * Writes the pruned model aside, loads it there, and puts it in its place only if it takes and gives what the original does.
 * @returns the bytes written
 * @throws PrunerError (code `not-as-promised`) where it does not
 */
export async function writeChecked(model: ModelProto, options: CheckOptions): Promise<number> {
  const { input, output, calibration, signal } = options;
  await using staged = await stageModel(model, output);
  await using before = await openSession(input);
  await using after = await openSession(staged.path, { name: `the pruned form of ${input}` });
  if (!agree(before.inputs, after.inputs) || !agree(before.outputs, after.outputs))
    throw broken(input, "other inputs or outputs");
  for await (const { feeds } of fittingBatches(after, calibration, 0, fixedBatch(after) ?? 1, signal, 1)) {
    if (!(await isFinite(after, feeds)) && (await isFinite(before, feeds)))
      throw broken(input, "outputs that are not finite");
    break;
  }
  throwIfCanceled(signal, `pruning ${input}`);
  await staged.commit();
  return staged.bytes;
}

/** The same names, types and fixed sides in the same order; ONNX Runtime calls open sides differently each time. */
function agree(before: Session["inputs"], after: Session["inputs"]): boolean {
  return (
    before.length === after.length &&
    before.every(({ name, type, shape }, index) => {
      const other = after[index];
      if (other?.name !== name || other.type !== type || other.shape.length !== shape.length) return false;
      return shape.every((side, axis) => typeof side !== "number" || side === other.shape[axis]);
    })
  );
}

async function isFinite(session: Session, feeds: Parameters<Session["run"]>[0]): Promise<boolean> {
  const results = Object.values(await session.run(feeds));
  return results.every(({ data }) => !(data instanceof Float32Array) || data.every(Number.isFinite));
}

function broken(input: string, what: string): PrunerError {
  return new PrunerError(`the pruned form of ${input} has ${what}: nothing was written; please report the model`, {
    code: "not-as-promised",
    context: { path: input },
  });
}
