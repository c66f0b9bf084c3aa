import { expect, it } from "vitest";
import { THROTTLING } from "../../src/model/throttling.ts";

it("every combination of the firmware's bits has its names", () => {
  const [mapping] = THROTTLING;
  const options = mapping?.options as Record<string, { text: string; color: string }>;
  expect(Object.keys(options)).toHaveLength(16);
  expect(options["0"]).toMatchObject({ text: "none", color: "green" });
  // vcgencmd get_throttled: bit 0 under-voltage, 1 capped, 2 throttled, 3 soft temperature limit.
  expect(options[String(0x5)]).toMatchObject({ text: "under-voltage, throttled", color: "red" });
  expect(options[String(0x8)]).toMatchObject({ text: "soft temperature limit", color: "yellow" });
  expect(options[String(0x6)]).toMatchObject({ text: "capped, throttled", color: "orange" });
});
