import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@edgewatt/runtime";
import { eventually, findCommand, queryInflux, startInfluxd, tempDir, VirtualDevice } from "@edgewatt/testing";
import { BenchError } from "../errors.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { Cleanup } from "./cleanup.ts";
import { startOurs } from "./contestants.ts";
import { sendInRealTime, type SentBatch } from "./fleet.ts";
import { startBenchBroker } from "./runs.ts";

const LIMIT_S = 1;
const WARM_UP_S = 10;
const COUNTED_S = 30;
const LATE_S = 20;
const POLL_MS = 50;
const US = 1e6;

const FLEETS = { "100x10hz": { devices: 100, rateHz: 10 }, "10x100hz": { devices: 10, rateHz: 100 } } as const;

/** When a query first found the newest point of a device. */
interface Sighting {
  readonly seenUs: number;
  readonly newestUs: ReadonlyMap<string, number>;
}

/**
 * The age that a sample has when a query finds it in the database, over everything between: it waits for its batch to close, goes
 * through the broker and our ingest, waits for its write, and is written.
 */
export const queryable: Suite = { run: measure };

async function* measure({ signal, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  for (const [fleet, { devices, rateHz }] of Object.entries(FLEETS)) {
    const name = `telemetry/queryable/${fleet}`;
    if (!wanted(name)) continue;
    if (findCommand("influxd") === undefined) {
      yield unmeasured(name, "s", "influxd is not installed: run scripts/system-packages.sh");
      continue;
    }
    const agesS = await measureAges(devices, rateHz, signal);
    const quantile = (q: number): number => agesS[Math.ceil(q * agesS.length) - 1] ?? Number.NaN;
    const note = `p99 of ${agesS.length} samples, of which up to 0.5 s is the wait for the batch to close; median ${quantile(0.5).toFixed(2)}, largest ${quantile(1).toFixed(2)} s; asked every ${POLL_MS} ms`;
    yield compare(
      { name, value: quantile(0.99), unit: "s", peer: "limit", peerValue: LIMIT_S, note },
      { comparison: "<=", ratio: 1 },
    );
  }
}

/** The ages of all counted samples, sorted. */
async function measureAges(count: number, rateHz: number, signal: AbortSignal): Promise<number[]> {
  await using cleanup = new Cleanup();
  const folder = cleanup.add(await tempDir(), (dir) => dir[Symbol.asyncDispose]()).path;
  const influxd = cleanup.add(await startInfluxd(), (database) => database.stop());
  const broker = cleanup.add(await startBenchBroker(), (started) => started.stop());
  cleanup.add(await startOurs({ broker: broker.url, influx: influxd.url, folder }), (ingest) => ingest.stop());
  const devices: VirtualDevice[] = [];
  for (let n = 0; n < count; n++) {
    devices.push(
      cleanup.add(await VirtualDevice.connect(broker.url, `pi-${n}`), (device) => device.connection.close()),
    );
  }
  // The database is there once ingest has written its first point, which is its own.
  await eventually(() => queryInflux(influxd.url, 'SELECT * FROM "pipeline"'));
  const countFromUs = systemClock.nowUs() + WARM_UP_S * US;
  const untilUs = countFromUs + COUNTED_S * US;
  const asking = new AbortController();
  const sightings = watch(influxd.url, asking.signal);
  const sent = await sendInRealTime(devices, { rateHz, countFromUs, untilUs, signal });
  await waitForAcks(devices, signal);
  // The last sighting must come after the last write.
  await sleep(5 * POLL_MS);
  asking.abort();
  return agesOf(sent, await sightings);
}

/** Asks for the newest point of every device, again and again. */
async function watch(influx: string, signal: AbortSignal): Promise<Sighting[]> {
  const sightings: Sighting[] = [];
  while (!signal.aborted) {
    const q = `SELECT last("watts") FROM "power" WHERE time > now() - 1m GROUP BY "device"`;
    const rows = await queryInflux(influx, q, { epoch: "u" });
    const newestUs = new Map(rows.map((row) => [String(row["device"]), Number(row["time"])]));
    sightings.push({ seenUs: systemClock.nowUs(), newestUs });
    await sleep(POLL_MS);
  }
  return sightings;
}

async function waitForAcks(devices: readonly VirtualDevice[], signal: AbortSignal): Promise<void> {
  const deadlineUs = systemClock.nowUs() + LATE_S * US;
  const counts = (): number[] => devices.map(({ acked }) => acked.size);
  for (let before: number[] = []; String(before) !== String(counts());) {
    if (systemClock.nowUs() > deadlineUs) return;
    before = counts();
    await sleep(1000, undefined, { signal });
  }
}

/** A batch is one write, so its newest point tells of all of them. @throws {BenchError} when one was never seen */
function agesOf(sent: readonly SentBatch[], sightings: readonly Sighting[]): number[] {
  const agesUs = sent.flatMap(({ device, tUs }) => {
    const lastUs = tUs.at(-1) ?? 0;
    const found = sightings.find(({ newestUs }) => (newestUs.get(device) ?? 0) >= lastUs);
    if (found === undefined) throw new BenchError(`a batch of ${device} never came`, { code: "points-missing" });
    return tUs.map((t) => found.seenUs - t);
  });
  return agesUs.map((age) => age / US).sort((a, b) => a - b);
}
