import type * as prometheus from "prom-client";
import type { Distribution, Metric } from "./metrics.ts";

type Library = typeof prometheus;
type Instrument = prometheus.Counter | prometheus.Gauge;

/**
 * The metrics of a service in a registry of its own, with those of every Node.js process beside them: CPU, memory, file
 * descriptors, garbage collection, lag of the event loop.
 */
export class MetricsRegistry {
  readonly #library: Library;
  readonly #registry: prometheus.Registry;
  readonly #prefix: string;

  private constructor(library: Library, service: string) {
    this.#library = library;
    this.#registry = new library.Registry();
    this.#prefix = `edgewatt_${service}_`;
    library.collectDefaultMetrics({ register: this.#registry });
  }

  /** Loads the library, which takes 12 MB that only a process with a port pays. */
  static async create(service: string): Promise<MetricsRegistry> {
    return new MetricsRegistry(await import("prom-client"), service);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything as text, read now. Rejects with what a `read` throws. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  add(metrics: readonly Metric[]): void {
    for (const metric of metrics) this.#add(metric);
  }

  #add(metric: Metric): void {
    const name = `${this.#prefix}${metric.name}`;
    const { help } = metric;
    if (metric.type === "histogram") {
      this.#registry.registerMetric(new CountedHistogram(name, help, metric.read) as unknown as prometheus.Histogram);
      return;
    }
    const { Counter, Gauge } = this.#library;
    const instrument: Instrument = new (metric.type === "counter" ? Counter : Gauge)({
      name,
      help,
      labelNames: metric.label === undefined ? [] : [metric.label],
      registers: [this.#registry],
      collect: () => fill(instrument, metric),
    });
  }
}

/** The library's own histogram counts by itself and takes no counts; what its registry asks of one is a name and this `get`. */
class CountedHistogram {
  readonly name: string;
  readonly #help: string;
  readonly #read: () => Distribution;

  constructor(name: string, help: string, read: () => Distribution) {
    this.name = name;
    this.#help = help;
    this.#read = read;
  }

  async get(): Promise<object> {
    const { count, sum, buckets } = this.#read();
    const sample = (part: string, value: number, labels = {}) => ({
      metricName: `${this.name}_${part}`,
      labels,
      value,
    });
    const values = [
      ...buckets.map(([le, below]) => sample("bucket", below, { le })),
      sample("bucket", count, { le: "+Inf" }),
      sample("sum", sum),
      sample("count", count),
    ];
    return { name: this.name, help: this.#help, type: "histogram", values };
  }
}

/** Puts the figures of this moment in the place of those of the last scrape. */
function fill(instrument: Instrument, { label, read }: Exclude<Metric, { type: "histogram" }>): void {
  instrument.reset();
  // A metric without a label is 0 after a reset, which would be a figure that nobody has.
  if (label === undefined) instrument.remove();
  for (const [key, value] of read()) {
    if (value === undefined || !Number.isFinite(value)) continue;
    if (label === undefined) instrument.inc(value);
    else instrument.inc({ [label]: key }, value);
  }
}
