import type { Catalogue } from "@edgewatt/protocol";
import { ApiError, getJson } from "../api.ts";
import { byId, dialogById, setText } from "../dom.ts";
import type { Device, Fleet } from "../fleet/fleet.ts";
import { BY_NAME } from "../format.ts";
import type { JobBook } from "../jobs/job-book.ts";
import { messageOf, notify } from "../connection/notices.ts";
import { counted } from "../vendor/protocol/counted.js";
import { MAX_WINDOWS } from "../vendor/protocol/factors.js";
import { MAX_ENTRIES, MAX_QUEUED_JOBS } from "../vendor/protocol/job-limits.js";
import type { Author } from "./author.ts";
import { ChoiceList } from "./choice-list.ts";
import { type Choice, OPERATIONS, type PageOperation } from "./operations.ts";

const PRECISIONS = ["fp32", "int8"] as const;
const REFRESH_MS = 1_000;
const EMPTY: Catalogue = { models: [], datasets: {}, upload: "" };

/** What keeps a run from being started, and where to change it. */
class Obstacle extends Error {
  readonly focus: () => void;

  constructor(message: string, focus: () => void) {
    super(message);
    this.focus = focus;
  }
}

/** The form that starts runs: what, where, on which models and how. */
export class StartDialog {
  readonly #parts: { readonly fleet: Fleet; readonly book: JobBook; readonly author: Author };
  readonly #dialog = dialogById("start-dialog");
  readonly #form = byId("start-form");
  readonly #operations = new ChoiceList(byId("start-operations"), { kind: "radio", name: "operation" });
  readonly #devices = new ChoiceList(byId("start-devices"), { kind: "checkbox", name: "device" });
  readonly #models = new ChoiceList(byId("start-models"), { kind: "checkbox", name: "model" });
  readonly #precisions = new ChoiceList(byId("start-precisions"), { kind: "checkbox", name: "precision" });
  readonly #method = new ChoiceList(byId("start-method"), { kind: "radio", name: "method" });
  #catalogue = EMPTY;
  #refreshing: ReturnType<typeof setInterval> | undefined;

  constructor(parts: { fleet: Fleet; book: JobBook; author: Author }) {
    this.#parts = parts;
    this.#operations.show(
      OPERATIONS.map(({ op, title, explanation }) => ({ value: op, label: title, detail: explanation })),
    );
    this.#precisions.show(PRECISIONS.map((value) => ({ value, label: value, detail: "" })));
    this.#method.show([
      { value: "quick", label: "Quick", detail: "short windows: shows that everything works, no result to cite" },
      { value: "full", label: "Full", detail: "the method of the study: some minutes a row" },
    ]);
    this.#operations.choose((value) => value === OPERATIONS[0]?.op);
    this.#precisions.choose(() => true);
    this.#method.choose((value) => value === "quick");
    byId("start-close").addEventListener("click", () => this.#dialog.close());
    byId("start-all").addEventListener("click", () => this.#chooseModels(true));
    byId("start-none").addEventListener("click", () => this.#chooseModels(false));
    this.#dialog.addEventListener("close", () => clearInterval(this.#refreshing));
    this.#form.addEventListener("change", () => this.#refresh());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  open(): void {
    setText(byId("start-error"), "");
    this.#refresh();
    if (this.#devices.chosen.length === 0) this.#chooseOnlyDevice();
    this.#dialog.showModal();
    this.#operations.focus();
    this.#refreshing = setInterval(() => this.#refresh(), REFRESH_MS);
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      this.#catalogue = await getJson<Catalogue>("/api/models");
      setText(
        byId("start-models-empty"),
        "This hub knows no model. Add one on its machine with: edgewatt models add FILE",
      );
    } catch (error) {
      this.#catalogue = EMPTY;
      const isOld = error instanceof ApiError && error.status === 404;
      setText(
        byId("start-models-empty"),
        isOld
          ? "This hub cannot list models. Update it, or start the run on a command line: edgewatt benchmark MODEL"
          : `The models cannot be listed now (${messageOf(error)}). Open this form again when the hub answers.`,
      );
    }
    this.#refresh();
    if (this.#models.chosen.length === 0) {
      this.#models.choose((value) => value === this.#catalogue.models[0]?.name);
      this.#refresh();
    }
  }

  #chooseModels(all: boolean): void {
    this.#models.choose(() => all);
    this.#refresh();
  }

  /** One that is alone is meant; of several, which one is for people to say. */
  #chooseOnlyDevice(): void {
    const able = this.#fleetOptions().filter(({ obstacle }) => obstacle === undefined);
    if (able.length === 1) this.#devices.choose((value) => value === able[0]?.value);
    this.#refresh();
  }

  get #operation(): PageOperation | undefined {
    const [op] = this.#operations.chosen;
    return OPERATIONS.find((known) => known.op === op);
  }

  #fleetOptions() {
    const { fleet, book } = this.#parts;
    const nowMs = Date.now();
    return [...fleet.devices.values()]
      .filter(({ status, info }) => status !== undefined || info !== undefined)
      .sort((a, b) => BY_NAME.compare(a.id, b.id))
      .map((device) => ({
        value: device.id,
        label: device.id,
        detail: [device.info?.hardware.board, queueOf(book.open(device.id))].filter((part) => part).join(" · "),
        obstacle: obstacleOf(device, fleet.stateOf(device, nowMs), this.#operation),
      }));
  }

  #refresh(): void {
    const operation = this.#operation;
    for (const group of this.#form.querySelectorAll<HTMLElement>("[data-field]")) {
      group.hidden = operation?.fields.some((field) => field === group.dataset["field"]) !== true;
    }
    const devices = this.#fleetOptions();
    this.#devices.show(devices);
    byId("start-devices-empty").hidden = devices.length > 0;
    this.#models.show(
      this.#catalogue.models.map(({ name, params, pruning }) => ({
        value: name,
        label: name,
        detail: `${params.toLocaleString("en-US")} parameters${pruning === null ? "" : `, pruning ${pruning}`}`,
      })),
    );
    byId("start-models-empty").hidden = this.#catalogue.models.length > 0;
    byId("start-models-all").hidden = this.#catalogue.models.length < 2;
    setText(byId("start-summary"), this.#summary(operation));
  }

  #summary(operation: PageOperation | undefined): string {
    const devices = this.#devices.chosen.length;
    const choice = this.#choice();
    if (operation === undefined || devices === 0 || choice.models.length === 0) return "";
    const synthetic = choice.models.some(
      ({ dataset }) => dataset === null || this.#catalogue.datasets[dataset] === undefined,
    );
    const data = synthetic
      ? "No labelled images are here that fit: calibration is synthetic, accuracy stays blank."
      : "";
    return `On ${counted(devices, "device")}: ${operation.describe(choice)}${devices > 1 ? " each" : ""}. ${data}`.trim();
  }

  #choice(): Choice {
    const chosen = this.#models.chosen;
    const windows = (byId("start-windows") as HTMLInputElement).value.trim();
    return {
      models: this.#catalogue.models.filter(({ name }) => chosen.includes(name)),
      precisions: PRECISIONS.filter((precision) => this.#precisions.chosen.includes(precision)),
      quick: this.#method.chosen[0] === "quick",
      windows: windows === "" ? undefined : Number(windows),
    };
  }

  async #submit(): Promise<void> {
    const start = byId("start-submit") as HTMLButtonElement;
    setText(byId("start-error"), "");
    start.disabled = true;
    let sent = 0;
    try {
      const operation = this.#checked();
      const jobs = operation.jobs(this.#choice(), this.#catalogue);
      const devices = this.#devices.chosen;
      for (const device of devices) {
        for (const args of jobs) {
          await this.#parts.author.start(device, { op: operation.op, args });
          sent++;
        }
      }
      this.#dialog.close();
      notify(`${operation.title}: ${counted(sent, "job")} sent to ${devices.join(", ")}`);
    } catch (error) {
      const some = `${counted(sent, "job")} had been sent before, and would be sent twice: choose what is missing.`;
      setText(byId("start-error"), sent === 0 ? messageOf(error) : `${messageOf(error)} ${some}`);
      if (error instanceof Obstacle) error.focus();
    } finally {
      start.disabled = false;
    }
  }

  /** @throws {Obstacle} */
  #checked(): PageOperation {
    const operation = this.#operation;
    if (operation === undefined) throw new Obstacle("Choose what to do.", () => this.#operations.focus());
    const devices = this.#devices.chosen;
    if (devices.length === 0) throw new Obstacle("Choose a device that is online.", () => this.#devices.focus());
    const choice = this.#choice();
    if (choice.models.length === 0) throw new Obstacle("Choose a model.", () => this.#models.focus());
    if (operation.fields.includes("precisions")) this.#checkPrecisions(choice);
    if (operation.fields.includes("method")) this.#checkWindows(choice);
    this.#checkQueues(devices, operation.jobs(choice, this.#catalogue).length);
    return operation;
  }

  #checkPrecisions({ models, precisions }: Choice): void {
    if (precisions.length === 0) throw new Obstacle("Choose a precision.", () => this.#precisions.focus());
    if (models.length * precisions.length <= MAX_ENTRIES) return;
    throw new Obstacle(`One benchmark measures ${MAX_ENTRIES} rows at most: choose fewer models.`, () =>
      this.#models.focus(),
    );
  }

  #checkWindows({ windows }: Choice): void {
    if (windows === undefined || (Number.isInteger(windows) && windows >= 1 && windows <= MAX_WINDOWS)) return;
    throw new Obstacle(`Windows per row: a whole number from 1 to ${MAX_WINDOWS}, or nothing.`, () =>
      byId("start-windows").focus(),
    );
  }

  #checkQueues(devices: readonly string[], jobs: number): void {
    for (const device of devices) {
      const open = this.#parts.book.open(device);
      // One of them runs.
      if (open + jobs <= MAX_QUEUED_JOBS + 1) continue;
      throw new Obstacle(
        `${device} runs one job and lets ${MAX_QUEUED_JOBS} wait, and has ${open} already: choose fewer models, or wait.`,
        () => this.#models.focus(),
      );
    }
  }
}

function queueOf(open: number): string {
  return open === 0 ? "" : `${counted(open, "job")} before`;
}

function obstacleOf(device: Device, state: string, operation: PageOperation | undefined): string | undefined {
  if (state === "offline") return "offline: start its agent";
  if (state === "stale") return "silent for half a minute: check it";
  const offered = device.info?.operations;
  if (offered === undefined) return "has not said yet what it can do";
  if (operation === undefined || offered.includes(operation.op)) return undefined;
  return `its agent cannot ${operation.op}: update it`;
}
