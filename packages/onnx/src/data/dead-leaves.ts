import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

type Random = () => number;

/** Share of pixels that leaves must cover; what little is left takes the background colour. */
const COVERED = 0.995;
/** A bound on the work per image; the largest leaves cover it long before. */
const MOST_LEAVES = 4000;
/** How much of the contrast is 1/f texture and lighting rather than leaves. */
const TEXTURE_SHARE = 0.3;
/** Mean and spread of brightness, and spread of the two opponent colours, all of full scale 1: photographs vary mostly in brightness. */
const BRIGHTNESS_MEAN = 0.47;
const BRIGHTNESS_SPREAD = 0.25;
const COLOUR_SPREAD = 0.09;

/**
 * Draws an RGB image (interleaved bytes) with the statistics of natural images: opaque discs that hide one another, with
 * radii distributed as r^-3 and independent colours, which gives edges, occlusion and scale invariance (the dead leaves model of
 * A. Lee, D. Mumford and J. Huang, "Occlusion models for natural images", IJCV 41, 2001), under texture whose
 * amplitude spectrum falls as 1/f, as that of photographs does (D. Field, "Relations between the statistics of natural images and the response
 * properties of cortical cells", JOSA A 4, 1987; D. Ruderman, "Origins of scaling in natural images", Vision Research 37, 1997).
 *
 * The same seed and index give the same image on every machine.
 */
export function drawDeadLeaves(width: number, height: number, seed: number, index: number): Uint8Array {
  const generator = xoroshiro128plus((Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0);
  const random: Random = () => uniformFloat64(generator);
  const leaves = drawLeaves(width, height, random);
  const texture = drawTexture(width, height, random);
  const bytes = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const shade = (texture[pixel] as number) * BRIGHTNESS_SPREAD * TEXTURE_SHARE;
    for (let channel = 0; channel < 3; channel++) {
      bytes[pixel * 3 + channel] = toByte((leaves[pixel * 3 + channel] as number) + shade);
    }
  }
  return bytes;
}

function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}

/** Drawn from the front to the back, so that a pixel once covered is finished, and the image is a fair sample of the endless process. */
function drawLeaves(width: number, height: number, random: Random): Float32Array {
  const image = new Float32Array(width * height * 3);
  const covered = new Uint8Array(width * height);
  const side = Math.max(width, height);
  const smallest = Math.max(1, side / 64);
  const largest = side;
  let open = width * height;
  for (let leaf = 0; leaf < MOST_LEAVES && open > (1 - COVERED) * width * height; leaf++) {
    const radius = powerLawRadius(smallest, largest, random());
    const x = -radius + random() * (width + 2 * radius);
    const y = -radius + random() * (height + 2 * radius);
    open -= paintDisc({ image, covered, width, height }, { x, y, radius }, drawColour(random));
  }
  const background = drawColour(random);
  for (let pixel = 0; pixel < covered.length; pixel++) {
    if (covered[pixel] === 0) image.set(background, pixel * 3);
  }
  return image;
}

/** Inverts the distribution function of the density proportional to r^-3 between two radii. */
function powerLawRadius(smallest: number, largest: number, u: number): number {
  const low = smallest ** -2;
  const high = largest ** -2;
  return (low - u * (low - high)) ** -0.5;
}

interface Canvas {
  readonly image: Float32Array;
  readonly covered: Uint8Array;
  readonly width: number;
  readonly height: number;
}

function paintDisc(canvas: Canvas, disc: { x: number; y: number; radius: number }, colour: readonly number[]): number {
  let painted = 0;
  const top = Math.max(0, Math.ceil(disc.y - disc.radius));
  const bottom = Math.min(canvas.height - 1, Math.floor(disc.y + disc.radius));
  for (let row = top; row <= bottom; row++) {
    const half = Math.sqrt(Math.max(0, disc.radius ** 2 - (row - disc.y) ** 2));
    const left = Math.max(0, Math.ceil(disc.x - half));
    const right = Math.min(canvas.width - 1, Math.floor(disc.x + half));
    for (let column = left; column <= right; column++) {
      const pixel = row * canvas.width + column;
      if (canvas.covered[pixel] === 1) continue;
      canvas.covered[pixel] = 1;
      canvas.image.set(colour, pixel * 3);
      painted++;
    }
  }
  return painted;
}

/** Brightness with two small opponent components (red-green, blue-yellow), as in Ruderman's decorrelated colour axes. */
function drawColour(random: Random): number[] {
  const brightness = BRIGHTNESS_MEAN + BRIGHTNESS_SPREAD * normal(random);
  const redGreen = COLOUR_SPREAD * normal(random);
  const blueYellow = COLOUR_SPREAD * normal(random);
  return [brightness + redGreen + blueYellow / 2, brightness - redGreen + blueYellow / 2, brightness - blueYellow];
}

/**
 * A sum of octaves of smoothed noise, each with half the wavelength and half the amplitude of the one before: per
 * octave that is an amplitude spectrum of 1/f. Zero mean, unit variance.
 */
function drawTexture(width: number, height: number, random: Random): Float32Array {
  const sum = new Float32Array(width * height);
  for (let wavelength = Math.max(width, height); wavelength >= 2; wavelength /= 2) {
    addOctave(sum, width, height, wavelength, random);
  }
  let mean = 0;
  for (const value of sum) mean += value / sum.length;
  let variance = 0;
  for (const value of sum) variance += (value - mean) ** 2 / sum.length;
  const scale = variance > 0 ? 1 / Math.sqrt(variance) : 0;
  return sum.map((value) => (value - mean) * scale);
}

function addOctave(sum: Float32Array, width: number, height: number, wavelength: number, random: Random): void {
  const columns = Math.ceil(width / wavelength) + 2;
  const rows = Math.ceil(height / wavelength) + 2;
  const lattice = Float32Array.from({ length: columns * rows }, () => normal(random));
  const [shiftX, shiftY] = [random(), random()];
  for (let row = 0; row < height; row++) {
    const y = row / wavelength + shiftY;
    const y0 = Math.floor(y);
    const v = smooth(y - y0);
    for (let column = 0; column < width; column++) {
      const x = column / wavelength + shiftX;
      const x0 = Math.floor(x);
      const u = smooth(x - x0);
      const corner = y0 * columns + x0;
      const upper = (lattice[corner] as number) * (1 - u) + (lattice[corner + 1] as number) * u;
      const lower = (lattice[corner + columns] as number) * (1 - u) + (lattice[corner + columns + 1] as number) * u;
      const pixel = row * width + column;
      sum[pixel] = (sum[pixel] as number) + wavelength * (upper * (1 - v) + lower * v);
    }
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

/** Box and Muller's transform. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
