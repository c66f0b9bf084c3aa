/** The values of a tensor at some places of one of its sides. */
export function takeAlong(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  places: readonly number[],
): { readonly dims: number[]; readonly values: Float32Array } {
  const side = dims[axis] as number;
  const run = dims.slice(axis + 1).reduce((product, length) => product * length, 1);
  const before = dims.slice(0, axis).reduce((product, length) => product * length, 1);
  const taken = new Float32Array(before * places.length * run);
  let target = 0;
  for (let outer = 0; outer < before; outer++) {
    for (const place of places) {
      const start = (outer * side + place) * run;
      taken.set(values.subarray(start, start + run), target);
      target += run;
    }
  }
  return { dims: dims.map((length, index) => (index === axis ? places.length : length)), values: taken };
}
