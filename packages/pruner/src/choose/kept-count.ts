/** What channel counts are rounded to, as the fast kernels of ONNX Runtime take whole blocks of channels; 1 cuts exact fractions. */
export const ALIGNMENTS = [16, 8, 1] as const;
export type Alignment = (typeof ALIGNMENTS)[number];

/** Room for 1 - fraction not being exact. */
const ROUNDING = 1e-9;

/**
 * How many of some channels are kept. Aligned: the nearest multiple, at least one, and never more than there are. Exact: the whole part of
 * what is left, as PyTorch's pruning and the published study count, at least one.
 */
export function keptCount(channels: number, fraction: number, align: Alignment): number {
  if (fraction === 0) return channels;
  const left = channels * (1 - fraction);
  const wanted = align === 1 ? Math.floor(left + ROUNDING) : align * Math.round(left / align + ROUNDING);
  return Math.min(channels, Math.max(align, wanted));
}
