import type { ModelArtifact, PruneOptions, PruneReport, PruneResult, Study } from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";
import type { Offer } from "../client/artifacts.ts";
import type { Device } from "../client/fleet.ts";
import { showing } from "../client/job-progress.ts";
import { pruneOn } from "../client/prune.ts";
import type { Context } from "../context.ts";
import { ControllerError } from "../errors.ts";
import { Progress } from "../progress.ts";
import type { Variant } from "./plan.ts";
import type { StudiedModel } from "./studied-model.ts";
import type { StudyImages } from "./study-images.ts";

export interface VariantsWork {
  readonly device: Device;
  readonly hubUrl: string | undefined;
  readonly offer: Offer;
  readonly studied: StudiedModel;
  readonly images: StudyImages;
  readonly variants: readonly Variant[];
  readonly recipe: Pick<PruneOptions, "by" | "allocate">;
  readonly timeoutS: number | undefined;
}

/** Models of a study that were pruned, in the order of their variants, and those that could not be. */
export interface Pruned {
  readonly models: readonly ModelArtifact[];
  readonly variants: Study["variants"];
  readonly failed: Study["failed"];
}

/**
 * One prune job after the other: a device runs one at a time, and Ctrl-C then has one to cancel. A variant that fails costs the others nothing;
 * a device that is gone ends the study.
 * @throws {ControllerError} where every variant failed, with the reason of the first
 */
export async function pruneVariants(context: Context, connection: MqttConnection, work: VariantsWork): Promise<Pruned> {
  using progress = new Progress(context);
  const models: ModelArtifact[] = [];
  const variants: Study["variants"] = [];
  const failures: { variant: Variant; error: ControllerError }[] = [];
  for (const [index, variant] of work.variants.entries()) {
    const part = `${work.device.id}: pruning by ${variant.fraction}, ${index + 1} of ${work.variants.length}`;
    try {
      const { artifact, report, cached } = await pruneOnce(context, connection, { work, variant, progress, part });
      models.push(artifact);
      variants.push({ ...variant, model: artifact.name, params: report.params, cached, left: leftByReason(report) });
    } catch (error) {
      if (!(error instanceof ControllerError) || !FAILED.has(error.code)) throw error;
      progress.note(`warning: ${error.message}; the others go on`);
      failures.push({ variant, error });
    }
  }
  const [first] = failures;
  if (first !== undefined && models.length === 0) throw first.error;
  const failed = failures.map(({ variant: { fraction, align }, error }) => ({
    fraction,
    align,
    reason: reasonOf(error),
  }));
  return { models, variants, failed };
}

/** How a job ends that says something of its variant. */
const FAILED: ReadonlySet<string> = new Set(["job-failed", "job-rejected", "job-timed_out"]);

async function pruneOnce(
  context: Context,
  connection: MqttConnection,
  { work, variant, progress, part }: { work: VariantsWork; variant: Variant; progress: Progress; part: string },
): Promise<PruneResult> {
  const { device, hubUrl, offer, studied, images, recipe, timeoutS } = work;
  const { result } = await pruneOn(
    context,
    connection,
    {
      model: studied.model,
      options: { ...variant, ...recipe, images: images.images },
      calibration: images.what,
      data: images.data,
    },
    { device: device.id, offer, hubUrl, signal: context.signal, timeoutS, ...showing(progress, part) },
  );
  return result;
}

function leftByReason({ left }: PruneReport): Study["variants"][number]["left"] {
  const byReason = new Map<string, { layers: number; first: string }>();
  for (const { name, reason } of left) {
    const known = byReason.get(reason);
    byReason.set(reason, { layers: (known?.layers ?? 0) + 1, first: known?.first ?? name });
  }
  return [...byReason].map(([reason, { layers, first }]) => ({ reason, layers, first }));
}

/** What the device said, without the job and its id, which tell a reader of the report nothing. */
function reasonOf(error: ControllerError): string {
  const { reason } = error.context as { reason?: { message?: string } };
  return reason?.message ?? error.message;
}
