import { z } from "zod";
import { readFact } from "../../device/board.ts";
import { DeviceError } from "../../errors.ts";
import { SysfsNumber } from "../../device/sysfs-number.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import { isReadable, packageDomains, type PackageDomain } from "./domains.ts";

/** The counters move about once a millisecond (Intel SDM volume 3, 15.10.3): 1 % of a reading over 100 ms. */
const RATE_HZ = 10;
const MICRO = 1e-6;

const config = z.strictObject({});

/**
 * Running average power limit: energy of the processor packages since boot, summed. It says nothing of memory, disk, network and
 * supply. Energy is the running total, so the grain of single readings does not add up.
 * Faults: `rapl-absent`, `rapl-refused`, `sysfs-gone`, `sysfs-failed`.
 */
export const rapl = defineDriver({
  id: "rapl",
  config,
  detect: ({ root }) => {
    const domains = packageDomains(root);
    return domains.length > 0 && domains.every(isReadable);
  },
  async open(_options, host): Promise<Sensor> {
    const domains = packageDomains(host.root);
    check(domains);
    const counters: Counter[] = [];
    const close = () => {
      for (const counter of counters) counter[Symbol.dispose]();
    };
    try {
      for (const domain of domains) counters.push(new Counter(domain));
      for (const counter of counters) counter.advance();
    } catch (error) {
      close();
      throw error;
    }
    let lastUs = host.monotonicUs();
    let totalUj = 0;
    return {
      rateHz: RATE_HZ,
      accumulates: true,
      channels: [
        {
          settings: {
            measures: "the processor package only, not the board",
            packages: domains.map(({ name }) => name).join(" "),
            counter: counterOf(host.root),
          },
          limits: null,
          averagingUs: 1e6 / RATE_HZ,
        },
      ],
      read([into]: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        let sinceUj = 0;
        for (const counter of counters) sinceUj += counter.advance();
        const nowUs = (beforeUs + host.monotonicUs()) / 2;
        totalUj += sinceUj;
        into.tUs = nowUs;
        into.watts = nowUs > lastUs ? sinceUj / (nowUs - lastUs) : 0;
        into.joules = totalUj * MICRO;
        into.volts = Number.NaN;
        into.amps = Number.NaN;
        lastUs = nowUs;
        return true;
      },
      [Symbol.dispose]: close,
    };
  },
});

/** One package's counter, across its wrap. */
class Counter implements Disposable {
  readonly #energy: SysfsNumber;
  readonly #rangeUj: number;
  #lastUj = 0;

  constructor({ path, rangeUj }: PackageDomain) {
    this.#energy = new SysfsNumber(`${path}/energy_uj`);
    this.#rangeUj = rangeUj;
  }

  /** Energy since the call before, µJ. Once a wrap at most: at 200 W the usual range of 262 kJ lasts 20 minutes. */
  advance(): number {
    const nowUj = this.#energy.read();
    const sinceUj = nowUj - this.#lastUj + (nowUj < this.#lastUj ? this.#rangeUj : 0);
    this.#lastUj = nowUj;
    return sinceUj;
  }

  [Symbol.dispose](): void {
    this.#energy[Symbol.dispose]();
  }
}

function check(domains: readonly PackageDomain[]): void {
  if (domains.length === 0) {
    throw new DeviceError(
      "this machine has no energy counters under /sys/class/powercap: choose another source of power (a Raspberry Pi has none)",
      { code: "rapl-absent" },
    );
  }
  const refused = domains.find((domain) => !isReadable(domain));
  if (refused === undefined) return;
  throw new DeviceError(
    `${refused.path}/energy_uj may be read by root only (CVE-2020-8694): run the agent as root, or allow it with chmod a+r`,
    { code: "rapl-refused", context: { path: refused.path } },
  );
}

/** Intel measures since Haswell (Hackenberg et al., HPPAC 2015); AMD computes it (Schöne et al., CLUSTER 2021, Zen 2). */
function counterOf(root: string): string {
  const vendor = /^vendor_id\s*:\s*(\S+)/m.exec(readFact(`${root}/proc/cpuinfo`) ?? "")?.[1];
  if (vendor === "GenuineIntel") return "Intel, measured by the package's regulator since Haswell";
  if (vendor === "AuthenticAMD") return "AMD, computed by the processor from its activity";
  return "of a processor whose maker does not say how it comes about";
}
