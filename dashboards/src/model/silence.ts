/** A device without telemetry for this long is silent, and what it told before is not of now; the agents send once a second. */
export const SILENT_AFTER = "30s";
