import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";

/** Every query goes to the data source that is chosen at the top of the dashboard. */
export const DATASOURCE = { type: "influxdb", uid: "${datasource}" } as const;

export interface InfluxTarget extends Dataquery {
  readonly refId: string;
  readonly datasource: typeof DATASOURCE;
  readonly query: string;
  readonly rawQuery: true;
  readonly resultFormat: "time_series" | "table";
  readonly alias?: string;
}

/** An InfluxQL query of a panel; the SDK has no module for InfluxDB. */
export class InfluxQuery implements Builder<InfluxTarget> {
  readonly #target: InfluxTarget;

  private constructor(target: Omit<InfluxTarget, "datasource" | "rawQuery" | "_implementsDataqueryVariant">) {
    this.#target = { ...target, datasource: DATASOURCE, rawQuery: true, _implementsDataqueryVariant: () => {} };
  }

  /** One graph per series. @param alias its name, with `$tag_device` and the like */
  static series(refId: string, query: string, alias: string): InfluxQuery {
    return new InfluxQuery({ refId, query, resultFormat: "time_series", alias });
  }

  /** One table with the tags as columns. */
  static table(refId: string, query: string): InfluxQuery {
    return new InfluxQuery({ refId, query, resultFormat: "table" });
  }

  build(): InfluxTarget {
    return this.#target;
  }
}
