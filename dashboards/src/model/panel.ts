import type { GridPos } from "@grafana/grafana-foundation-sdk/dashboard";
import { VizLegendOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import { DATASOURCE } from "../queries/influx-target.ts";

/** What every panel has. */
export interface Frame {
  /** Stable for ever: links, annotation filters and alerts name it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  /** Column of the grid of 24, row, width, height. */
  readonly at: readonly [x: number, y: number, w: number, h: number];
}

interface PanelBuilder {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  gridPos(gridPos: GridPos): this;
  datasource(datasource: DataSourceRef): this;
  interval(interval: string): this;
}

/** The period of the power means in telemetry: a finer interval of a graph would only show holes. */
export const SAMPLE_INTERVAL = "100ms";

/** Gives a panel of any kind its place and its words. */
export function framed<P extends PanelBuilder>(panel: P, { id, title, description, at: [x, y, w, h] }: Frame): P {
  return panel
    .id(id)
    .title(title)
    .description(description)
    .gridPos({ x, y, w, h })
    .datasource(DATASOURCE)
    .interval(SAMPLE_INTERVAL);
}

/** A legend below the graph with figures of what is in view. */
export function legendWith(...calcs: string[]): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder().showLegend(true).calcs(calcs);
}
