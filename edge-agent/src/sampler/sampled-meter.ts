import { EdgewattError } from "@edgewatt/protocol/errors";
import { emptyReading, type Sensor } from "../sensors/sensor.ts";
import type { SampledFault } from "./fault.ts";
import { describeFault } from "./fault.ts";
import { ConversionCycle } from "./conversion-cycle.ts";
import { IntervalMeans } from "./intervals.ts";
import type { PowerInterval, SamplingRate } from "./messages.ts";
import { JOB_MEANS_HZ } from "./rates.ts";
import { TraceRing } from "./ring.ts";

const LONGEST_PERIOD_US = 100_000;
const POLL_US = 100;
/** Chips' clocks are up to 10 % off, and readings then come that much faster than the nominal rate says. */
const FASTEST = 1.2;
/** A meter that has given nothing for this many periods in a row is closed and opened again. */
const REOPEN_AFTER_FAULTS = 10;
const REOPEN_US = 1_000_000;

export interface MeterEvents {
  /** Also when what its channels say of themselves has changed. */
  readonly onOpened: (sensor: Sensor) => void;
  /** @param index of the channel within the meter */
  readonly onInterval: (index: number, interval: PowerInterval) => void;
  /** @param index of the channel that alone has the fault; `undefined` when the whole meter has it */
  readonly onFault: (fault: SampledFault, index?: number) => void;
}

/**
 * One meter on its absolute schedule: `dueUs` says when `turn` wants to be called next. A fault loses readings, those of its
 * channel alone where it is a channel's, and nothing else; a meter that stays silent is closed, and opened again a second later.
 *
 * A chip that converts by its own clock, up to 10 % off its nominal cycle, would drift against that schedule: read at full
 * rate, the schedule follows the end of its conversions, so that each reading is fetched and stamped right after it is there.
 */
export class SampledMeter {
  readonly #open: () => Promise<Sensor>;
  readonly #events: MeterEvents;
  readonly #nowUs: () => number;
  #sensor: Sensor | undefined;
  #channels: Sensor["channels"] = [];
  #readings = [emptyReading()];
  #means: IntervalMeans[] = [];
  #rings: TraceRing[] = [];
  #keepS = 0;
  #rate: SamplingRate = 0;
  #periodUs = LONGEST_PERIOD_US;
  #meansHz = JOB_MEANS_HZ;
  #intervalUs = 0;
  #faults = 0;
  /** Of the absolute schedule; polling for the end of a conversion does not move it. */
  readonly #cycle = new ConversionCycle();
  #scheduledUs = 0;
  #deadlineUs = 0;
  /** Whether this reading had to be waited for. */
  #waited = false;
  dueUs = -Infinity;

  constructor(open: () => Promise<Sensor>, events: MeterEvents, nowUs: () => number) {
    this.#open = open;
    this.#events = events;
    this.#nowUs = nowUs;
  }

  get isOpen(): boolean {
    return this.#sensor !== undefined;
  }

  get accumulates(): boolean {
    return this.#sensor?.accumulates ?? false;
  }

  /** Time between two readings by the schedule, µs. */
  get periodUs(): number {
    return this.#periodUs;
  }

  /** Raw readings of a channel; `undefined` while the meter is closed. */
  ring(index: number): TraceRing | undefined {
    return this.#sensor === undefined ? undefined : this.#rings[index];
  }

  async open(): Promise<void> {
    try {
      this.#sensor = await this.#open();
    } catch (error) {
      const nowUs = this.#nowUs();
      this.#events.onFault(describeFault(error, nowUs));
      this.dueUs = nowUs + REOPEN_US;
      return;
    }
    this.#faults = 0;
    const { channels } = this.#sensor;
    this.#channels = channels;
    this.#readings = channels.map(emptyReading);
    this.#intervalUs = 0;
    this.#rings = [];
    this.#events.onOpened(this.#sensor);
    this.#applyRate();
    this.#scheduledUs = this.#nowUs();
    this.#waited = false;
    this.dueUs = this.#scheduledUs;
  }

  /** @param meansHz intervals in a second; no more than readings, since between two of them nothing is known */
  setRate(rate: SamplingRate, keepS: number, meansHz: number): void {
    if (rate === this.#rate && keepS === this.#keepS && meansHz === this.#meansHz) return;
    this.#rate = rate;
    this.#meansHz = meansHz;
    this.#keepS = keepS;
    this.#applyRate();
  }

  #applyRate(): void {
    if (this.#sensor === undefined) return;
    const { rateHz, channels } = this.#sensor;
    this.#periodUs = 1e6 / (this.#rate === "full" ? rateHz : Math.min(rateHz, this.#rate));
    this.#cycle.reset(1e6 / rateHz);
    const intervalUs = Math.round(1e6 / Math.min(this.#meansHz, rateHz));
    if (intervalUs !== this.#intervalUs) {
      this.#intervalUs = intervalUs;
      this.#means = channels.map(
        (_, index) => new IntervalMeans(intervalUs, (interval) => this.#events.onInterval(index, interval)),
      );
    }
    const capacity = Math.ceil(FASTEST * rateHz * this.#keepS);
    if ((this.#rings[0]?.capacity ?? 0) < capacity) this.#rings = channels.map(() => new TraceRing(capacity));
  }

  /** Reads when `dueUs` has come. */
  turn(): void {
    const sensor = this.#sensor;
    if (sensor === undefined) return;
    // Before the question: a process that was held up asks once more before it calls the meter late.
    const isLate = this.#waited && this.#nowUs() > this.#deadlineUs;
    try {
      if (!sensor.read(this.#readings)) {
        if (!isLate) {
          const nowUs = this.#nowUs();
          if (!this.#waited) this.#deadlineUs = nowUs + 2 * this.#periodUs;
          this.#waited = true;
          this.dueUs = nowUs + POLL_US;
          return;
        }
        throw new EdgewattError("the meter's conversion did not end in time: check its supply and the bus", {
          code: "not-ready",
          retryable: true,
        });
      }
      this.#faults = this.#take() ? 0 : this.#faults + 1;
      if (sensor.channels !== this.#channels) {
        this.#channels = sensor.channels;
        this.#events.onOpened(sensor);
      }
    } catch (error) {
      this.#faults += 1;
      for (const means of this.#means) means.interrupt();
      this.#events.onFault(describeFault(error, this.#nowUs()));
    }
    if (this.#faults >= REOPEN_AFTER_FAULTS) this.close();
    else this.#schedule();
  }

  /** Hands on what was read. @returns whether any channel gave something */
  #take(): boolean {
    let gave = false;
    for (let i = 0; i < this.#readings.length; i++) {
      const reading = this.#readings[i];
      if (reading === undefined) continue;
      if (reading.fault === undefined) {
        gave = true;
        this.#rings[i]?.push(reading);
        this.#means[i]?.add(reading);
      } else {
        this.#means[i]?.interrupt();
        this.#events.onFault(describeFault(reading.fault, this.#nowUs()), i);
      }
    }
    return gave;
  }

  #schedule(): void {
    const nowUs = this.#nowUs();
    const sensor = this.#sensor;
    if (sensor?.hasOwnClock === true && (this.#rate === "full" || sensor.isCalibrating === true)) {
      this.#scheduledUs = this.#cycle.next(this.#scheduledUs, nowUs, this.#waited);
    } else {
      // Behind by periods: go on with the schedule instead of catching up in a burst.
      const behind = Math.ceil((nowUs - this.#scheduledUs) / this.#periodUs);
      this.#scheduledUs += this.#periodUs * Math.max(1, behind);
    }
    this.#waited = false;
    this.dueUs = this.#scheduledUs;
  }

  /** Closes the meter; it asks to be opened again after a second. */
  close(): void {
    this.#sensor?.[Symbol.dispose]();
    this.#sensor = undefined;
    this.dueUs = this.#nowUs() + REOPEN_US;
  }
}
