import { describe, expect, it } from "vitest";
import { chooseMeters } from "../../src/sensors/choose-meters.ts";
import { pmic } from "../../src/sensors/pmic/pmic.ts";
import { parseRails } from "../../src/sensors/pmic/rails.ts";
import { fakeMachine } from "../fake-machine.ts";
import { fakeHost, readAll } from "./fake-host.ts";

/** Rails as a Pi 5's firmware prints them (format: github.com/jfikar/RPi5-power), with figures that are easy to add up. */
const PI5 = [
  " 3V7_WL_SW_A current(0)=0.10000000A",
  "   3V3_SYS_A current(1)=0.10000000A",
  "   1V8_SYS_A current(2)=0.20000000A",
  "  DDR_VDD2_A current(3)=0.00000000A",
  "  DDR_VDDQ_A current(4)=0.00000000A",
  "   1V1_SYS_A current(5)=0.20000000A",
  "    0V8_SW_A current(6)=0.30000000A",
  "  VDD_CORE_A current(7)=2.00000000A",
  "   3V3_DAC_A current(17)=0.00000000A",
  "   3V3_ADC_A current(18)=0.00010000A",
  "   0V8_AON_A current(16)=0.00500000A",
  "      HDMI_A current(22)=0.02000000A",
  " 3V7_WL_SW_V volt(8)=3.70000000V",
  "   3V3_SYS_V volt(9)=3.30000000V",
  "   1V8_SYS_V volt(10)=1.80000000V",
  "  DDR_VDD2_V volt(11)=1.10000000V",
  "  DDR_VDDQ_V volt(12)=0.60000000V",
  "   1V1_SYS_V volt(13)=1.10000000V",
  "    0V8_SW_V volt(14)=0.80000000V",
  "  VDD_CORE_V volt(15)=0.90000000V",
  "   3V3_DAC_V volt(20)=3.30000000V",
  "   3V3_ADC_V volt(21)=3.30000000V",
  "   0V8_AON_V volt(19)=0.80000000V",
  "      HDMI_V volt(23)=5.00000000V",
  "     EXT5V_V volt(24)=5.08530000V",
  "      BATT_V volt(25)=0.00000000V",
].join("\n");
const SUM_W = 0.37 + 0.33 + 0.36 + 0.22 + 0.24 + 1.8 + 0.00033 + 0.004 + 0.1;

describe("pmic", () => {
  it("finds the 12 rails that have voltage and current, and neither input nor battery", () => {
    const rails = parseRails(PI5);
    expect(rails.map(({ name }) => name)).toEqual([
      "3V7_WL_SW",
      "3V3_SYS",
      "1V8_SYS",
      "DDR_VDD2",
      "DDR_VDDQ",
      "1V1_SYS",
      "0V8_SW",
      "VDD_CORE",
      "3V3_DAC",
      "3V3_ADC",
      "0V8_AON",
      "HDMI",
    ]);
    expect(rails.reduce((sum, { volts, amps }) => sum + volts * amps, 0)).toBeCloseTo(SUM_W, 9);
  });

  it("models the board from their sum, in the middle of the call, and calls it a model", async () => {
    await using machine = await fakeMachine();
    await machine.firmware({ pmic_read_adc: PI5 });
    expect(pmic.detect?.(machine)).toBe(true);
    const host = fakeHost(machine.root, 1000);
    using sensor = await pmic.open(pmic.config.parse({}), host);
    const startUs = host.nowUs;
    const [reading] = readAll(sensor);
    expect(reading?.watts).toBeCloseTo(1.1451 * SUM_W + 0.5879, 9);
    expect(reading).toMatchObject({ tUs: startUs + 1500, volts: 5.0853, amps: Number.NaN, joules: Number.NaN });
    expect(sensor).toMatchObject({ rateHz: 10, accumulates: false, channels: [{ limits: null }] });
    expect(sensor.channels[0]?.settings).toMatchObject({ model: "1.1451 x sum of the rails + 0.5879 W" });
    expect(pmic.config.safeParse({ rateHz: 50 }).success).toBe(false);
  });

  it("is not there on a Pi 4, whose firmware does not know the question", async () => {
    await using machine = await fakeMachine();
    await machine.firmware({ get_throttled: "throttled=0x0" });
    expect(pmic.detect?.(machine)).toBe(false);
    await expect(pmic.open(pmic.config.parse({}), fakeHost(machine.root))).rejects.toMatchObject({
      code: "vcgencmd-failed",
      message: expect.stringMatching(/Command not registered.*only a Raspberry Pi 5/),
    });
    await machine.firmware({ pmic_read_adc: "     EXT5V_V volt(24)=5.08530000V" });
    expect(pmic.detect?.(machine)).toBe(false);
    await expect(pmic.open(pmic.config.parse({}), fakeHost(machine.root))).rejects.toMatchObject({ code: "no-rails" });
  });

  it("loses a reading when the firmware stops to answer, and goes on when it does again", async () => {
    await using machine = await fakeMachine();
    await machine.firmware({ pmic_read_adc: PI5 });
    using sensor = await pmic.open(pmic.config.parse({}), fakeHost(machine.root));
    await machine.firmware({});
    expect(() => readAll(sensor)).toThrow(expect.objectContaining({ code: "vcgencmd-failed" }));
    await machine.firmware({ pmic_read_adc: PI5 });
    expect(readAll(sensor)[0]?.watts).toBeGreaterThan(1);
  });
});

describe("the source that is taken without being told", () => {
  it("is a hwmon chip before the power chip, that before RAPL, and the estimate when there is none", async () => {
    await using machine = await fakeMachine();
    const chosen = () => chooseMeters({}, machine.root)[0]?.source;
    await machine.firmware({});
    expect(chosen()).toBe("estimate");
    await machine.write({
      "sys/class/powercap/intel-rapl:0/name": "package-0",
      "sys/class/powercap/intel-rapl:0/energy_uj": "0",
      "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "1000",
    });
    expect(chosen()).toBe("rapl");
    await machine.firmware({ pmic_read_adc: PI5 });
    expect(chosen()).toBe("pmic");
    await machine.write({ "sys/class/hwmon/hwmon0/name": "ina219" });
    expect(chosen()).toBe("hwmon");
    expect(chooseMeters({ source: "estimate" }, machine.root)[0]?.source).toBe("estimate");
  });
});
