import { button, h, keyed, setText } from "../dom.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { timeOfDay } from "../format.ts";
import { counted } from "../vendor/protocol/counted.js";
import { describeJob, describeTime } from "./describe-job.ts";
import { isOverAs, type Job, type JobBook } from "./job-book.ts";

interface JobCard {
  readonly element: HTMLElement;
  readonly state: HTMLElement;
  readonly step: HTMLElement;
  readonly progress: HTMLProgressElement;
  readonly percent: HTMLElement;
  readonly time: HTMLElement;
  readonly bar: HTMLElement;
  readonly cancel: HTMLElement;
  readonly dismiss: HTMLElement;
  readonly log: HTMLDetailsElement;
  readonly summary: HTMLElement;
  readonly lines: HTMLElement;
  /** The job as it was shown last: buttons act on it. */
  job: Job;
}

export interface JobsView {
  show(): void;
}

/** Open jobs and those that have just ended, a card each. */
export function createJobsView(options: {
  parent: Element;
  empty: HTMLElement;
  book: JobBook;
  fleet: Fleet;
  onCancel: (job: Job) => void;
}): JobsView {
  const { parent, empty, book, fleet, onCancel } = options;
  const cards = new Map<string, JobCard>();
  const create = (job: Job): JobCard => {
    const card: JobCard = createCard(job, {
      cancel: () => onCancel(card.job),
      openLog: () => showLog(card, card.job),
      dismiss: () => {
        book.dismiss(card.job);
        show();
        empty.parentElement?.querySelector("h2")?.focus();
      },
    });
    return card;
  };
  const show = (): void => {
    const nowMs = Date.now();
    const jobs = book.inSight(nowMs);
    empty.hidden = jobs.length > 0;
    keyed(parent, cards, jobs, {
      key: ({ key }) => key,
      create,
      update: (card, job) => update(card, job, { fleet, nowMs }),
    });
  };
  return { show };
}

function createCard(job: Job, actions: { cancel: () => void; dismiss: () => void; openLog: () => void }): JobCard {
  const title = `${job.op} on ${job.device}`;
  const card = {
    state: h("span", { class: "pill" }),
    step: h("p", { class: "step" }),
    progress: h("progress", { max: "1", "aria-label": `Progress of ${title}` }),
    percent: h("span", { class: "percent" }),
    time: h("span", { class: "muted" }),
    cancel: button("Cancel", { class: "danger", "aria-label": `Cancel ${title}` }, actions.cancel),
    dismiss: button("Dismiss", { class: "quiet", "aria-label": `Dismiss ${title}` }, actions.dismiss),
    log: h("details", { class: "log" }),
    summary: h("summary"),
    lines: h("ol", { tabindex: "0", "aria-label": `Log of ${title}` }),
  };
  card.log.append(card.summary, card.lines);
  card.log.addEventListener("toggle", actions.openLog);
  const bar = h("div", { class: "row progress" }, card.progress, card.percent);
  const element = h(
    "li",
    { class: "card job", "data-job": job.job },
    h("div", { class: "row" }, h("h3", {}, title), card.state),
    card.step,
    bar,
    h("div", { class: "row" }, card.time, h("span", { class: "actions" }, card.cancel, card.dismiss)),
    card.log,
    h("p", { class: "muted id" }, job.job, job.command === null ? "" : ` by ${job.command.by}`),
  );
  return { element, bar, job, ...card };
}

function update(card: JobCard, job: Job, { fleet, nowMs }: { fleet: Fleet; nowMs: number }): void {
  card.job = job;
  const isOver = isOverAs(job.name);
  const progress = job.state?.progress ?? 0;
  const percent = `${Math.round(progress * 100)} %`;
  card.element.dataset["state"] = job.name;
  setText(card.state, job.name.replace("_", " "));
  const described = describeJob(job, fleet.devices.get(job.device));
  setText(card.step, described);
  card.bar.hidden = isOver || progress === 0;
  card.progress.value = progress;
  card.progress.setAttribute("aria-valuetext", `${percent}, ${described}`);
  setText(card.percent, percent);
  // What a job says of itself is on its device's clock.
  setText(card.time, describeTime(job, nowMs - fleet.offsetOf(job.device)));
  card.cancel.hidden = isOver || job.name === "canceling";
  card.dismiss.hidden = !isOver;
  showLog(card, job);
}

function showLog({ log, summary, lines }: JobCard, job: Job): void {
  log.hidden = job.log.length === 0;
  setText(summary, `Log: ${counted(job.log.length, "line")}`);
  const newest = job.log.at(-1);
  const version = `${job.log.length} ${newest?.timeMs} ${newest?.message}`;
  if (!log.open || lines.dataset["version"] === version) return;
  const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
  lines.dataset["version"] = version;
  lines.replaceChildren(
    ...job.log.map(({ timeMs, level, message }) =>
      h(
        "li",
        { "data-level": level },
        h("time", {}, timeOfDay(timeMs)),
        level === "info" ? ` ${message}` : ` ${level === "warn" ? "warning" : "error"}: ${message}`,
      ),
    ),
  );
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}
