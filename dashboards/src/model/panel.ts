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
  /** Grafana's interval is never finer than this, such as the period in which the points come. */
  readonly every?: string;
  /**
   * Values per series at most; without it one per pixel. A database sends 100,000 values a second: a graph of the whole
   * fleet has fewer of each device, so that it is there at once.
   */
  readonly values?: number;
}

/** Values of each of a hundred devices that InfluxDB 1.6 gives in 200 ms. */
export const FLEET_VALUES = 100;

interface PanelBuilder {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  gridPos(gridPos: GridPos): this;
  datasource(datasource: DataSourceRef): this;
  interval(interval: string): this;
  maxDataPoints(maxDataPoints: number): this;
}

/** The period of the power means in telemetry: a finer interval of a graph would only show holes. */
export const SAMPLE_INTERVAL = "100ms";

/** Gives a panel of any kind its place and its words. */
export function framed<P extends PanelBuilder>(panel: P, frame: Frame): P {
  const { id, title, description, every = SAMPLE_INTERVAL, values } = frame;
  const [x, y, w, h] = frame.at;
  panel.id(id).title(title).description(description).gridPos({ x, y, w, h }).datasource(DATASOURCE).interval(every);
  return values === undefined ? panel : panel.maxDataPoints(values);
}

/** A legend below the graph with figures of what is in view. */
export function legendWith(...calcs: string[]): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder().showLegend(true).calcs(calcs);
}
