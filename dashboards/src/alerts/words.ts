import { isModelled, POWER_SOURCES } from "@edgewatt/protocol";

/** A label of the alert in a Go template. */
export function label(name: string): string {
  return `{{ .Labels.${name} }}`;
}

/** The result of a step in a Go template. */
export function figure(refId: string, decimals: number): string {
  return `{{ printf "%.${decimals}f" (index .Values "${refId}").Value }}`;
}

/** Sources that are meters, or whose name says that they are none. */
const SPEAKING = POWER_SOURCES.filter((source) => !isModelled(source) || source === "estimate");

/** Says beside the name of a source that its watts are an estimate, unless it is known to be a meter. */
export const ESTIMATE_MARK = `{{ if eq .Labels.source ${SPEAKING.map((source) => `"${source}"`).join(" ")} }}{{ else }}, estimate{{ end }}`;
