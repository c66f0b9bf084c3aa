import type { Run } from "@edgewatt/protocol";
import { h } from "../dom.ts";
import { clockTime, duration } from "../format.ts";
import { RUNS_SHOWN } from "./runs-behind.ts";
import { runStateOf } from "../vendor/protocol/run-state.js";

/** The newest runs that the hub remembers. */
export function showRuns(body: Element, runs: readonly Run[]): void {
  const nowMs = Date.now();
  body.replaceChildren(...runs.slice(0, RUNS_SHOWN).map((run) => row(run, nowMs)));
}

function row(run: Run, nowMs: number): HTMLElement {
  const { device, job, op, command, state } = run;
  const started = command?.issuedAt ?? state?.startedAt;
  const name = runStateOf(run, nowMs);
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
