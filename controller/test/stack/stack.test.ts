import { isDeviceId } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { localDeviceId } from "../../src/stack/stack.ts";

describe("the id of the local agent", () => {
  it.each([
    ["raspberrypi", "raspberrypi"],
    ["Pi4.lab.example.org", "pi4-lab-example-org"],
    ["--odd__name--", "odd-name"],
    ["x", "local"],
    ["", "local"],
    ["日本", "local"],
    [`long-${"x".repeat(60)}`, `long-${"x".repeat(35)}`],
  ])("of host %j is %j", (hostname, id) => {
    expect(localDeviceId(hostname)).toBe(id);
    expect(isDeviceId(id)).toBe(true);
  });
});
