/** A figure for each value of a label. */
export type Labelled = Iterable<readonly [string, number | undefined]>;

/**
 * One metric of a service. It is read when somebody scrapes, from figures that the service keeps anyway, so that it costs nothing
 * while nobody asks. Figures that are `undefined` or not finite are left out of the answer.
 */
export interface Metric {
  /** Snake case with its base unit (`seconds`, `bytes`) at the end, without the `edgewatt_<service>_` that the port puts before it. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Values of a label must be few: each is a time series. */
  readonly label: string | undefined;
  readonly read: () => Labelled;
}

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

/** Health of a service that needs nothing but its broker. */
export function brokerHealth(connected: boolean): Health {
  if (connected) return { healthy: true, state: "ready" };
  return {
    healthy: false,
    state: "disconnected",
    reason: "there is no connection to the broker: check that it runs and that --broker names it",
  };
}
