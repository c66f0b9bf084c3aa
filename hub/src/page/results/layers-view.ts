import type { ComparedModel } from "../api.ts";
import { h } from "../dom.ts";
import { clockTime } from "../format.ts";
import { figureView } from "./figures-view.ts";
import { tableView } from "./table-view.ts";

/** What each layer of a model weighs, takes and costs, for every model whose layers were compared. */
export function layersView(models: readonly ComparedModel[]): HTMLElement[] {
  return models.map(({ job, device, model, created, table }, index) => {
    const title = `Importance of the layers of ${model} on ${device}`;
    const address = `/api/layers/${job}.svg`;
    return h(
      "details",
      { class: "layers" },
      h("summary", {}, h("h3", {}, title), " ", h("span", { class: "muted" }, clockTime(Date.parse(created)))),
      figureView({ title, description: "The table below has the same figures.", address, source: address }),
      ...tableView(table, { id: `layers-table-${index}`, label: title, heading: "layer" }),
    );
  });
}
