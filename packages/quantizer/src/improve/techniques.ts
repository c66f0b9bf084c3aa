/** What can be done to a float model so that it loses less in int8; always applied in this order. */
export const TECHNIQUES = ["equalization", "bias-absorption", "rounding", "bias-correction"] as const;
export type Technique = (typeof TECHNIQUES)[number];

/** Those that move scale from layer to layer, before ranges are found; the others make up for what rounding to them loses. */
export const RESCALING: ReadonlySet<Technique> = new Set(["equalization", "bias-absorption"]);
