import type { Run } from "@edgewatt/protocol";
import { byId, h } from "../dom.ts";
import { clockTime } from "../format.ts";

/** Which benchmarks the results are of: two lists to choose from, each with a choice of all. */
export class ResultSelection {
  readonly #device = byId("results-device") as HTMLSelectElement;
  readonly #run = byId("results-run") as HTMLSelectElement;

  constructor(onChange: () => void) {
    this.#device.addEventListener("change", () => {
      this.#run.value = "";
      onChange();
    });
    this.#run.addEventListener("change", onChange);
  }

  /** What there is to choose from; a choice that is gone becomes that of all. */
  show(runs: readonly Run[]): void {
    const benchmarks = runs.filter(({ op, state }) => op === "benchmark" && state?.state === "succeeded");
    const devices = [...new Set(benchmarks.map(({ device }) => device))].sort();
    byId("results-tools").hidden = benchmarks.length === 0;
    fill(
      this.#device,
      "all devices",
      devices.map((device) => [device, device]),
    );
    const shown = benchmarks.filter(({ device }) => this.#device.value === "" || this.#device.value === device);
    fill(
      this.#run,
      "newest of each row",
      shown.map(({ job, device, command, state }) => [
        job,
        `${clockTime(command?.issuedAt ?? state?.startedAt ?? 0)} on ${device}`,
      ]),
    );
  }

  /** As the API takes it: `?device=…&run=…`, or nothing for all. */
  get query(): string {
    const query = new URLSearchParams();
    if (this.#device.value !== "") query.set("device", this.#device.value);
    if (this.#run.value !== "") query.set("run", this.#run.value);
    return query.size === 0 ? "" : `?${query}`;
  }
}

function fill(
  select: HTMLSelectElement,
  all: string,
  options: readonly (readonly [value: string, label: string])[],
): void {
  const version = JSON.stringify(options);
  if (select.dataset["version"] === version) return;
  select.dataset["version"] = version;
  const { value } = select;
  select.replaceChildren(...[["", all] as const, ...options].map(([key, label]) => h("option", { value: key }, label)));
  select.value = options.some(([key]) => key === value) ? value : "";
}
