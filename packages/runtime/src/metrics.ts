/** A figure for each value of a label. */
export type Labelled = Iterable<readonly [string, number | undefined]>;

/** How often a quantity was how large. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Upper bounds, rising, each with how many were at most that large. */
  readonly buckets: readonly (readonly [number, number])[];
}

interface Described {
  /** Snake case with its base unit (`seconds`, `bytes`) at the end, without the `edgewatt_<service>_` that the port puts before it. */
  readonly name: string;
  readonly help: string;
}

interface Scalar extends Described {
  readonly type: "counter" | "gauge";
  /** Values of a label must be few: each is a time series. */
  readonly label: string | undefined;
  readonly read: () => Labelled;
}

interface Histogram extends Described {
  readonly type: "histogram";
  readonly read: () => Distribution;
}

/**
 * One metric of a service. It is read when somebody scrapes, from figures that the service keeps anyway, so that it costs nothing
 * while nobody asks. Figures that are `undefined` or not finite are left out of the answer.
 */
export type Metric = Scalar | Histogram;

/** Whether a service does its work now. */
export interface Health {
  readonly healthy: boolean;
  /** One word: `ready`, `holding`, `disconnected`. */
  readonly state: string;
  /** Why it is not ready, and what to do. */
  readonly reason?: string;
}

/** What a service shows of itself. */
export interface Observation {
  readonly metrics: readonly Metric[];
  readonly health: () => Health;
}

type CounterName = `${string}_total`;
type Read = () => number | undefined;

/** A figure that only rises while the process lives. */
export function counter(name: CounterName, help: string, read: Read): Metric {
  return { name, type: "counter", help, label: undefined, read: () => [["", read()]] };
}

/** A figure that goes up and down. */
export function gauge(name: string, help: string, read: Read): Metric {
  return { name, type: "gauge", help, label: undefined, read: () => [["", read()]] };
}

/** A counter for each value of a label. */
export function counters(name: CounterName, help: string, label: string, read: () => Labelled): Metric {
  return { name, type: "counter", help, label, read };
}

/** A gauge for each value of a label. */
export function gauges(name: string, help: string, label: string, read: () => Labelled): Metric {
  return { name, type: "gauge", help, label, read };
}

/** How often a quantity was how large, as the service counts it. */
export function histogram(name: string, help: string, read: () => Distribution): Metric {
  return { name, type: "histogram", help, read };
}

/** Health of a service that needs nothing but its broker. */
export function brokerHealth(connected: boolean): Health {
  if (connected) return { healthy: true, state: "ready" };
  return {
    healthy: false,
    state: "disconnected",
    reason: "there is no connection to the broker: check that it runs and that --broker names it",
  };
}
