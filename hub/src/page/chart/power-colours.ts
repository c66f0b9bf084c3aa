/**
 * Hues that stay apart under the common colour-vision deficiencies (after Okabe and Ito, darkened where they were too light for a white
 * ground), in three lightnesses: no two of 24 lines look alike, and their names are beside them.
 */
const HUES = ["#2f81d6", "#d55e00", "#009e73", "#b3589a", "#a87900", "#3fa9d8", "#7a6ff0", "#8a8f3c"] as const;
const SHADES = [1, 0.68, 1.3] as const;

/** The colour of a line by its place, `#rrggbb`; it repeats after 24. */
export function lineColour(index: number): string {
  const hue = HUES[index % HUES.length] ?? HUES[0];
  const shade = SHADES[Math.floor(index / HUES.length) % SHADES.length] ?? 1;
  return `#${[1, 3, 5].map((at) => shaded(Number.parseInt(hue.slice(at, at + 2), 16), shade)).join("")}`;
}

function shaded(channel: number, shade: number): string {
  const value = shade <= 1 ? channel * shade : channel + (255 - channel) * (shade - 1);
  return Math.round(Math.min(255, value)).toString(16).padStart(2, "0");
}
