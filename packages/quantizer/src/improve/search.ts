import { performance } from "node:perf_hooks";
import { openSession, throwIfCanceled, type Graph } from "@edgewatt/onnx";
import type { CalibrationMethod } from "../calibration/method.ts";
import { QuantizerError } from "../errors.ts";
import { verificationRange } from "../quality/held-back.ts";
import { rescale, tuneLayers, type ImproveOptions, type Rescaled } from "./apply-techniques.ts";
import { buildInt8, type Candidate } from "./build-int8.ts";
import { openJudge, type Judge, type Score } from "./judge.ts";
import { rankLayers } from "./mixed-precision.ts";
import type { ImageRange } from "./split-images.ts";
import type { SearchTarget } from "./search-target.ts";
import { RESCALING, type Technique } from "./techniques.ts";

export interface Configuration {
  readonly method: CalibrationMethod;
  readonly techniques: readonly Technique[];
  /** Names of layers that stay in float, the costliest first. */
  readonly floatNodes: readonly string[];
}

/** One configuration and what came of it. */
export interface SearchTry {
  readonly configuration: Configuration;
  readonly score: Score;
  /** Lost accuracy in percentage points, or what stands for it; null where the output is no class vector. Negative where int8 is better. */
  readonly accuracyDropPt: number | null;
  readonly sufficient: boolean;
  readonly wallS: number;
}

export interface SearchResult {
  /** Whether a configuration reached the target. If none did, the best is returned all the same, by signal-to-noise. */
  readonly reached: boolean;
  /** Every try, in order. */
  readonly tries: readonly SearchTry[];
  /** The try that `candidate` is of. */
  readonly best: SearchTry;
  /** For `makePlan` (with its float nodes as `exclude`) and `emitModel`. */
  readonly candidate: Candidate;
  /** What `candidate` stands for: the float graph before its weights were rounded and its biases corrected. */
  readonly float: Graph;
  readonly evaluation: ImageRange & { readonly heldBack: boolean; readonly labelled: boolean };
}

export interface SearchOptions extends ImproveOptions {
  readonly target: SearchTarget;
  /** Images that configurations are compared on, at most: those after the calibration images, where there are any. 2,000 unless told. */
  readonly evaluationImages?: number;
  /** Layers that may stay in float, at most; half of them unless told. */
  readonly mostFloatLayers?: number;
  /** Before each try. */
  readonly onStart?: (configuration: Configuration) => void;
  readonly onTry?: (tried: SearchTry) => void;
}

const EVALUATION_IMAGES = 2_000;
/** For ranking the layers, each of which takes as many runs. */
const RANKING_IMAGES = 64;

/**
 * Tries configurations, those first that are quick to make and to run, and stops at the first that reaches the target: MinMax ranges, ranges chosen tensor by
 * tensor, equalization (and bias absorption), bias correction, rounding with bias correction, and then more and more layers in float. A
 * technique that did not bring the output closer to the float model's is not taken along to the next ones.
 *
 * Configurations are compared on images of the calibration source after those that calibrate: give training images, never test images.
 * @throws QuantizerError without a target, CanceledError on abort
 */
export async function searchQuantization(graph: Graph, options: SearchOptions): Promise<SearchResult> {
  const { target, source, emit } = options;
  if (target.accuracyDropPt === undefined && target.sqnrDb === undefined) {
    throw new QuantizerError("a search needs a target: name the accuracy that may be lost, or a signal-to-noise", {
      code: "search-without-target",
    });
  }
  const range = await evaluationRange(graph, options);
  await using judge = openJudge(graph, source, range, emit.format);
  const search = new Search(graph, judge, options);
  const best = await search.run();
  return {
    reached: best.tried.sufficient,
    tries: search.tries,
    best: best.tried,
    candidate: best.candidate,
    float: best.rescaled.graph,
    evaluation: { ...range, count: best.tried.score.images, labelled: best.tried.score.accuracy !== null },
  };
}

async function evaluationRange(
  graph: Graph,
  { source, evaluationImages }: SearchOptions,
): Promise<ImageRange & { heldBack: boolean }> {
  await using session = await openSession(graph.model);
  return verificationRange(source, session, evaluationImages ?? EVALUATION_IMAGES);
}

interface Tried {
  readonly tried: SearchTry;
  readonly candidate: Candidate;
  /** What the candidate was tuned from. */
  readonly rescaled: Rescaled;
}

class Search {
  readonly tries: SearchTry[] = [];
  readonly #graph: Graph;
  readonly #judge: Judge;
  readonly #options: SearchOptions;
  /** The last rescaled graph, which the next try may start from. */
  #rescaled: (Rescaled & { readonly key: string }) | undefined;

  constructor(graph: Graph, judge: Judge, options: SearchOptions) {
    this.#graph = graph;
    this.#judge = judge;
    this.#options = options;
  }

  /** The first sufficient configuration, or else the best. */
  async run(): Promise<Tried> {
    const none: Configuration = { method: "minmax", techniques: [], floatNodes: [] };
    let best = (await this.#try(none)) as Tried;
    const steps: readonly ((from: Configuration) => Configuration)[] = [
      () => ({ ...none, method: "auto" }),
      (from) => ({ ...from, techniques: [...from.techniques, "equalization"] }),
      (from) => ({ ...from, techniques: [...from.techniques, "bias-absorption"] }),
      (from) => ({ ...from, techniques: [...from.techniques, "bias-correction"] }),
      (from) => ({ ...from, techniques: withRounding(from.techniques) }),
    ];
    for (const step of steps) {
      if (best.tried.sufficient) return best;
      const next = await this.#try(step(best.tried.configuration));
      if (next !== undefined) best = better(best, next);
    }
    return best.tried.sufficient ? best : this.#leaveInFloat(best);
  }

  async #leaveInFloat(quantized: Tried): Promise<Tried> {
    const { source, emit, signal } = this.#options;
    const images = { first: 0, count: Math.min(source.count, RANKING_IMAGES) };
    const ranking = { emit, source, images, ...(signal === undefined ? {} : { signal }) };
    const { rescaled } = quantized;
    // Not the tuned candidate: its biases make up for the errors of all layers, of which the ranking has one at a time.
    const costs = await rankLayers(this.#graph, rescaled, ranking);
    const most = Math.min(this.#options.mostFloatLayers ?? Math.ceil(costs.length / 2), costs.length - 1);
    let best = quantized;
    for (let layers = 1; layers <= most; layers = layers < most ? Math.min(2 * layers, most) : most + 1) {
      const floatNodes = costs.slice(0, layers).map(({ name }) => name);
      const configuration = { ...quantized.tried.configuration, floatNodes };
      const mixed = { ...rescaled, floatNodes: new Set([...(rescaled.floatNodes ?? []), ...floatNodes]) };
      const startedMs = performance.now();
      this.#options.onStart?.(configuration);
      best = better(best, await this.#tune(configuration, mixed, startedMs));
      if (best.tried.sufficient) break;
    }
    return best;
  }

  /** Undefined where a technique found nothing to do or did harm, so that there is nothing new to try. */
  async #try(configuration: Configuration): Promise<Tried | undefined> {
    const { method, techniques } = configuration;
    const startedMs = performance.now();
    this.#options.onStart?.(configuration);
    const rescaling = techniques.filter((technique) => RESCALING.has(technique));
    const key = [method, ...rescaling].join(" ");
    if (this.#rescaled?.key !== key)
      this.#rescaled = { ...(await rescale(this.#graph, method, rescaling, this.#options)), key };
    const { applied } = this.#rescaled;
    if (!rescaling.every((technique) => applied.includes(technique))) return undefined;
    return this.#tune(configuration, this.#rescaled, startedMs);
  }

  async #tune(configuration: Configuration, rescaled: Rescaled, startedMs: number): Promise<Tried> {
    const { emit, signal, target } = this.#options;
    const candidate = await tuneLayers(rescaled, configuration.techniques, this.#options);
    throwIfCanceled(signal, "searching for a quantization");
    const score = await this.#judge.score(buildInt8(candidate, emit).emitted.model, signal);
    const accuracyDropPt = dropOf(score);
    const tried = {
      configuration,
      score,
      accuracyDropPt,
      sufficient:
        (target.accuracyDropPt === undefined || (accuracyDropPt !== null && accuracyDropPt <= target.accuracyDropPt)) &&
        (target.sqnrDb === undefined || score.sqnrDb >= target.sqnrDb),
      wallS: (performance.now() - startedMs) / 1000,
    };
    this.tries.push(tried);
    this.#options.onTry?.(tried);
    return { tried, candidate, rescaled };
  }
}

/** A sufficient try wins over any other, then signal-to-noise decides: it tells small differences that accuracy on few images does not. */
function better(best: Tried, next: Tried): Tried {
  if (next.tried.sufficient) return next;
  return next.tried.score.sqnrDb > best.tried.score.sqnrDb ? next : best;
}

function withRounding(techniques: readonly Technique[]): Technique[] {
  return [...techniques.filter((technique) => technique !== "bias-correction"), "rounding", "bias-correction"];
}

function dropOf({ accuracy, floatAccuracy, agreement }: Score): number | null {
  if (accuracy !== null && floatAccuracy !== null) return 100 * (floatAccuracy - accuracy);
  return agreement === null ? null : 100 * (1 - agreement);
}
