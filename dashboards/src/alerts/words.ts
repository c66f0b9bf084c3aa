import { isModelled, POWER_SOURCES } from "@edgewatt/protocol";

/** A label of the alert in a Go template. */
export function label(name: string): string {
  return `{{ .Labels.${name} }}`;
}

/** The result of a step in a Go template. */
export function figure(refId: string, decimals: number): string {
  return `{{ printf "%.${decimals}f" (index .Values "${refId}").Value }}`;
}

const METERS = POWER_SOURCES.filter((source) => !isModelled(source));

/** Says that the watts are an estimate unless their source is known to be a meter. */
export const ESTIMATE_MARK = `{{ if eq .Labels.source ${METERS.map((source) => `"${source}"`).join(" ")} }}{{ else }}, an estimate{{ end }}`;
