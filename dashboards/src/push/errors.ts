import { EdgewattError } from "@edgewatt/protocol";

/** Grafana does not do what it was asked: `unauthorized`, `forbidden`, `not-grafana`, `too-old`, `refused`. */
export class GrafanaError extends EdgewattError {}
