import { type ChannelStatistics, copyGraph, type Graph } from "@edgewatt/onnx";
import { findLinks, type LayerLink } from "./layer-links.ts";
import { biasOf, replaceBias, replaceWeights, weightsOf, type LinearLayer } from "./linear-layer.ts";

/** Rounds over all links, and the change of a channel's factor below which they have settled. */
const MOST_ROUNDS = 20;
const SETTLED = 1e-3;

export interface Equalization {
  /** Computes the same as the graph that was given. */
  readonly graph: Graph;
  /** Pairs of layers whose channels were rescaled. */
  readonly pairs: number;
}

/**
 * Cross-layer equalization (Nagel, van Baalen, Blankevoort, Welling: Data-Free Quantization Through Weight Equalization and Bias
 * Correction, ICCV 2019, section 4.1). As f(s x) = s f(x) for Relu and its like, dividing channel c of a layer by s and multiplying
 * what the next layer reads from it changes nothing in float, but gives both layers' channels the same range r = max|w|:
 * s = sqrt(r1 / r2) for a pair, and for dense, depthwise, dense s12 = r1 / cbrt(r1 r2 r3), s23 = cbrt(r1 r2 r3) / r3. A channel with an
 * empty range keeps its factor.
 *
 * With statistics (of the first layers' outputs, by tensor name), no channel grows beyond the largest value of its tensor, so that
 * the activations' range does not pay for the weights'; and a Clip stays exact on the measured images: a channel that it cuts is not
 * rescaled, any other is kept below its bound. Without them, links over a Clip are left alone.
 */
export function equalizeLayers(
  graph: Graph,
  statistics: ReadonlyMap<string, ChannelStatistics> = new Map(),
): Equalization {
  const result = copyGraph(graph);
  const links = findLinks(result).map((link) => new LinkScales(link, statistics.get(link.first.node.output[0] ?? "")));
  const active = links.filter((scales) => scales.possible);
  const weights = new Map(active.flatMap(({ link }) => [link.first, link.second]).map((layer) => [layer.node, layer]));
  const values = new Map([...weights].map(([node, layer]) => [node, weightsOf(result, layer)]));
  const valuesOf = (layer: LinearLayer): Float32Array => values.get(layer.node) as Float32Array;
  const byFirst = new Map(active.map((scales) => [scales.link.first.node, scales]));

  for (let round = 0; round < MOST_ROUNDS; round++) {
    const done = new Set<LinkScales>();
    let largestChange = 0;
    for (const scales of active) {
      if (done.has(scales)) continue;
      done.add(scales);
      const next = scales.link.second.depthwise ? byFirst.get(scales.link.second.node) : undefined;
      if (next !== undefined) done.add(next);
      const change = next === undefined ? scalePair(scales, valuesOf) : scaleTriple(scales, next, valuesOf);
      largestChange = Math.max(largestChange, change);
    }
    if (largestChange < SETTLED) break;
  }

  let pairs = 0;
  for (const scales of active) {
    if (!scales.changed) continue;
    pairs++;
    const { first } = scales.link;
    replaceBias(
      result,
      first,
      biasOf(result, first).map((value, channel) => value / scales.total(channel)),
    );
  }
  const changed = new Set(
    active.filter((each) => each.changed).flatMap(({ link }) => [link.first.node, link.second.node]),
  );
  for (const [node, layer] of weights) {
    if (changed.has(node)) replaceWeights(result, layer, valuesOf(layer));
  }
  result.removeUnusedInitializers();
  return { graph: result, pairs };
}

/** The factors that a link has collected over the rounds, and how far each may go. */
class LinkScales {
  readonly link: LayerLink;
  /** False for a Clip of which is not known what it cuts. */
  readonly possible: boolean;
  readonly #total: Float64Array;
  readonly #smallest: Float64Array;
  readonly #frozen: Uint8Array;

  constructor(link: LayerLink, statistics: ChannelStatistics | undefined) {
    const channels = link.first.outputChannels;
    this.link = link;
    this.possible = statistics !== undefined || link.upperBound === Infinity;
    this.#total = new Float64Array(channels).fill(1);
    this.#smallest = new Float64Array(channels);
    this.#frozen = new Uint8Array(channels);
    if (statistics?.max.length !== channels) return;
    const largest = Array.from(statistics.max, (max, channel) =>
      link.rectified ? Math.max(0, max) : Math.max(max, -(statistics.min[channel] as number)),
    );
    const limit = Math.min(
      link.upperBound,
      largest.reduce((most, value) => Math.max(most, value), 0),
    );
    for (const [channel, value] of largest.entries()) {
      if (value >= link.upperBound || limit === 0) this.#frozen[channel] = 1;
      else this.#smallest[channel] = value / limit;
    }
  }

  get changed(): boolean {
    return this.#total.some((factor) => factor !== 1);
  }

  total(channel: number): number {
    return this.#total[channel] as number;
  }

  /** Multiplies a channel's factor, as far as allowed. @returns what it was really multiplied with */
  multiply(channel: number, factor: number): number {
    if (this.#frozen[channel] === 1 || !Number.isFinite(factor) || factor <= 0) return 1;
    const before = this.total(channel);
    const after = Math.max(before * factor, this.#smallest[channel] as number);
    this.#total[channel] = after;
    return after / before;
  }
}

function scalePair(scales: LinkScales, valuesOf: (layer: LinearLayer) => Float32Array): number {
  const { first, second, spread } = scales.link;
  const r1 = largestBy(valuesOf(first), first.outputChannels, (index) => first.outputOf(index));
  const r2 = largestBy(valuesOf(second), first.outputChannels, (index) => Math.floor(second.inputOf(index) / spread));
  const factors = r1.map((range, channel) => {
    const other = r2[channel] as number;
    return range === 0 || other === 0 ? 1 : scales.multiply(channel, Math.sqrt(range / other));
  });
  applyFactors(scales.link, factors, valuesOf);
  return largestLog(factors);
}

function scaleTriple(scales: LinkScales, next: LinkScales, valuesOf: (layer: LinearLayer) => Float32Array): number {
  const { first, second } = scales.link;
  const third = next.link.second;
  const channels = first.outputChannels;
  const r1 = largestBy(valuesOf(first), channels, (index) => first.outputOf(index));
  const r2 = largestBy(valuesOf(second), channels, (index) => second.outputOf(index));
  const r3 = largestBy(valuesOf(third), channels, (index) => Math.floor(third.inputOf(index) / next.link.spread));
  const s12 = new Float64Array(channels).fill(1);
  const s23 = new Float64Array(channels).fill(1);
  for (let channel = 0; channel < channels; channel++) {
    const [a, b, c] = [r1[channel] as number, r2[channel] as number, r3[channel] as number];
    if (a === 0 || b === 0 || c === 0) continue;
    const mean = Math.cbrt(a * b * c);
    s12[channel] = scales.multiply(channel, a / mean);
    s23[channel] = next.multiply(channel, mean / c);
  }
  applyFactors(scales.link, s12, valuesOf);
  applyFactors(next.link, s23, valuesOf);
  return Math.max(largestLog(s12), largestLog(s23));
}

function applyFactors(link: LayerLink, factors: Float64Array, valuesOf: (layer: LinearLayer) => Float32Array): void {
  const { first, second, spread } = link;
  const divided = valuesOf(first);
  for (let index = 0; index < divided.length; index++)
    divided[index] = (divided[index] as number) / (factors[first.outputOf(index)] as number);
  const multiplied = valuesOf(second);
  for (let index = 0; index < multiplied.length; index++) {
    const channel = Math.floor(second.inputOf(index) / spread);
    multiplied[index] = (multiplied[index] as number) * (factors[channel] as number);
  }
}

function largestBy(values: Float32Array, channels: number, channelOf: (index: number) => number): Float64Array {
  const largest = new Float64Array(channels);
  for (let index = 0; index < values.length; index++) {
    const channel = channelOf(index);
    const value = Math.abs(values[index] as number);
    if (value > (largest[channel] as number)) largest[channel] = value;
  }
  return largest;
}

function largestLog(factors: Float64Array): number {
  return factors.reduce((largest, factor) => Math.max(largest, Math.abs(Math.log(factor))), 0);
}
