import type { Run } from "@edgewatt/protocol";
import { h } from "./dom.ts";
import { clockTime, duration } from "./format.ts";

const SHOWN = 20;

/** The newest runs that the hub remembers. */
export function showRuns(body: Element, runs: readonly Run[]): void {
  body.replaceChildren(...runs.slice(0, SHOWN).map(row));
}

function row({ device, job, op, command, state }: Run): HTMLElement {
  const started = command?.issuedAt ?? state?.startedAt;
  const name = state?.state ?? "sent";
  const took =
    state?.startedAt !== undefined && state.endedAt !== undefined
      ? duration((state.endedAt - state.startedAt) / 1000)
      : "–";
  return h(
    "tr",
    {},
    h("td", {}, started === undefined ? "–" : clockTime(started)),
    h("td", {}, op),
    h("td", {}, device),
    h("td", {}, h("span", { class: "pill", "data-state": name }, name.replace("_", " "))),
    h("td", { class: "right" }, took),
    h("td", {}, command?.by ?? "–"),
    h("td", { class: "reason" }, state?.reason?.message ?? ""),
    h("td", { class: "id" }, job),
  );
}
