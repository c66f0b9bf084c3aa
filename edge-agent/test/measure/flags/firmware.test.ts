import { describe, expect, it } from "vitest";
import { firmwareFlags } from "../../../src/measure/flags/firmware.ts";
import { onMachine } from "../measured-window.ts";

function flagsOf(before: number | null, after: number | null): string[] {
  return firmwareFlags([onMachine({ throttled: before }, { throttled: after })]);
}

describe("firmwareFlags", () => {
  it("are silent when nothing happened since boot, or nobody knows", () => {
    expect(flagsOf(0, 0)).toEqual([]);
    expect(flagsOf(null, null)).toEqual([]);
  });

  it.each([
    [0, 0x1_0001, "undervoltage: the firmware reports 0x10001: the supply fell below 4.63 V"],
    [0, 0x1_0000, "undervoltage: the firmware reports 0x10000: the supply fell below 4.63 V"],
    [0, 0x2_0000, "throttled: the firmware reports 0x20000: frequency capped"],
    [0, 0xe_0008, "throttled: the firmware reports 0xe0008: frequency capped, throttled, soft temperature limit"],
    [0x4, 0, "throttled: the firmware reports 0x0: throttled"],
  ])("0x%x before and 0x%x after", (before, after, flag) => {
    expect(flagsOf(before, after)).toEqual([flag]);
  });

  it("say that what has happened before cannot be seen to happen again, once", () => {
    const hidden =
      "throttling-unknown: undervoltage, throttled before the window already, so not seen inside it; reboot";
    const window = onMachine({ throttled: 0x5_0000 }, { throttled: 0x5_0000 });
    expect(firmwareFlags([window, window])).toEqual([hidden]);
    expect(flagsOf(0x5_0000, 0x5_0005).map((flag) => flag.split(":")[0])).toEqual(["undervoltage", "throttled"]);
  });

  it("say that a Raspberry Pi's firmware could not be asked, and what is known all the same", () => {
    const unread = { throttlingUnread: "vcgencmd is not on the PATH" };
    const flag =
      "throttling-unread: whether the clock was capped or throttled is not known: vcgencmd is not on the PATH";
    const nothing = onMachine({ throttled: null, ...unread }, { throttled: null, ...unread });
    expect(firmwareFlags([nothing, nothing])).toEqual([flag]);
    const alarm = onMachine({ throttled: 0, ...unread }, { throttled: 1, ...unread });
    expect(firmwareFlags([alarm])).toEqual([
      flag,
      "undervoltage: the firmware reports 0x1: the supply fell below 4.63 V",
    ]);
  });

  it("take what was read at one edge alone for no more than it says", () => {
    const hidden = "throttling-unknown: throttled before the window already, so not seen inside it; reboot";
    expect(flagsOf(null, 0x4_0000)).toEqual([hidden]);
    expect(flagsOf(0x4_0000, null)).toEqual([hidden]);
    expect(flagsOf(0x1, null)).toEqual(["undervoltage: the firmware reports 0x1: the supply fell below 4.63 V"]);
    expect(flagsOf(null, 0)).toEqual([]);
  });
});
