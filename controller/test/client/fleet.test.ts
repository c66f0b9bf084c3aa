import { UnreachableError } from "@edgewatt/runtime";
import { describe, expect, it } from "vitest";
import { chooseDevices, type Device, findDevice, type Fleet } from "../../src/client/fleet.ts";

function fleetOf(...devices: readonly (readonly [string, Device["presence"]])[]): Fleet {
  return {
    hubUrl: undefined,
    devices: devices.map(([id, presence]) => ({
      id,
      presence,
      status: {
        v: 1,
        state: presence === "offline" ? "offline" : "online",
        boot: 1,
        conn: 1,
        ts: 0,
        cause: "shutdown",
      },
      info: undefined,
    })),
  };
}

const idsOf = (devices: readonly Device[]) => devices.map(({ id }) => id);

describe("choosing devices", () => {
  it("takes the only one that is online", () => {
    expect(idsOf(chooseDevices(fleetOf(["pi-1", "offline"], ["pi-2", "online"]), undefined))).toEqual(["pi-2"]);
  });

  it("takes those that are named, in that order", () => {
    const fleet = fleetOf(["pi-1", "online"], ["pi-2", "online"], ["pi-3", "online"]);
    expect(idsOf(chooseDevices(fleet, ["pi-3", "pi-1"]))).toEqual(["pi-3", "pi-1"]);
  });

  it("lists them when several are online and none is named", () => {
    const fleet = fleetOf(["pi-1", "online"], ["pi-2", "online"]);
    expect(() => chooseDevices(fleet, undefined)).toThrow(
      /several devices .* --on; known are pi-1 \(online\), pi-2 \(online\)/,
    );
  });

  it("says how to start an agent when none is online", () => {
    expect(() => chooseDevices(fleetOf(["pi-1", "offline"]), undefined)).toThrow(
      /no device is online .*edgewatt agent.*pi-1 \(offline\)/,
    );
  });

  it("refuses one that is offline, with the reason it gave", () => {
    expect(() => chooseDevices(fleetOf(["pi-1", "offline"]), ["pi-1"])).toThrow(/device pi-1 is offline \(shutdown\)/);
  });

  it("lists the known ones when one is not known; all of it counts as not reachable", () => {
    expect(() => findDevice(fleetOf(), "pi-9")).toThrow(UnreachableError);
    expect(() => findDevice(fleetOf(["pi-1", "stale"]), "pi-9")).toThrow(/no device pi-9 .*known are pi-1 \(stale\)/);
  });
});
