import type { JobStateName } from "@edgewatt/protocol";
import { h, keyed, setText } from "./dom.ts";
import type { DeviceJob, Fleet } from "./fleet.ts";
import { duration } from "./format.ts";

const OPEN: readonly JobStateName[] = ["accepted", "running", "interrupted"];

interface JobCard {
  readonly element: HTMLElement;
  readonly state: HTMLElement;
  readonly step: HTMLElement;
  readonly progress: HTMLProgressElement;
  readonly percent: HTMLElement;
  readonly elapsed: HTMLElement;
  readonly bar: HTMLElement;
}

const cards = new Map<string, JobCard>();

/** Jobs that have not ended, with their progress. */
export function showJobs(parent: Element, empty: HTMLElement, fleet: Fleet): void {
  const open = [...fleet.jobs.values()]
    .filter((job) => OPEN.includes(job.state))
    .sort((a, b) => OPEN.indexOf(b.state) - OPEN.indexOf(a.state) || (a.job < b.job ? -1 : 1));
  empty.hidden = open.length > 0;
  keyed(parent, cards, open, { key: (job) => `${job.device}/${job.job}`, create, update });
}

function create(job: DeviceJob): JobCard {
  const card = {
    state: h("span", { class: "pill" }),
    step: h("p", { class: "step" }),
    progress: h("progress", { max: "1", "aria-label": `Progress of ${job.op} on ${job.device}` }),
    percent: h("span", { class: "percent" }),
    elapsed: h("span", { class: "muted" }),
  };
  const bar = h("div", { class: "row progress" }, card.progress, card.percent);
  const element = h(
    "li",
    { class: "card job", "data-job": job.job },
    h("div", { class: "row" }, h("h3", {}, `${job.op} on ${job.device}`), card.state),
    card.step,
    bar,
    h("div", { class: "row" }, h("span", { class: "muted id" }, job.job), card.elapsed),
  );
  return { element, bar, ...card };
}

function update(card: JobCard, job: DeviceJob): void {
  card.element.dataset["state"] = job.state;
  setText(card.state, job.state);
  setText(card.step, describeStep(job));
  card.bar.hidden = job.state === "accepted";
  card.progress.value = job.progress ?? 0;
  setText(card.percent, `${Math.round((job.progress ?? 0) * 100)} %`);
  setText(card.elapsed, job.startedAt === undefined ? "" : duration(Math.max(0, (Date.now() - job.startedAt) / 1000)));
}

function describeStep(job: DeviceJob): string {
  if (job.state === "accepted") {
    const ahead = job.position ?? 0;
    return ahead === 0 ? "Next in line" : `Waits behind ${ahead} ${ahead === 1 ? "job" : "jobs"}`;
  }
  if (job.state === "interrupted") return job.reason?.message ?? "Interrupted; the agent takes it up again";
  return [job.step, job.detail].filter((part) => part !== undefined).join(": ") || "Starting";
}
