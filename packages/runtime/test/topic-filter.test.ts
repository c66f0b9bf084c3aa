import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topicMatches } from "../src/topic-filter.ts";

// The examples of MQTT 3.1.1, section 4.7.
describe("topicMatches", () => {
  it.each([
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
    ["sport/#", "sport", true],
    ["#", "sport/tennis", true],
    ["sport/tennis/+", "sport/tennis/player1", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/uptime", false],
    ["+/uptime", "$SYS/uptime", false],
    ["$SYS/#", "$SYS/uptime", true],
  ])("%s on %s is %s", (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });

  it("matches whatever levels are replaced by +, and each topic itself", () => {
    const level = fc.stringMatching(/^[a-z0-9_]{0,5}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(level, fc.boolean()), { minLength: 1, maxLength: 6 }), (levels) => {
        const topic = levels.map(([text]) => text).join("/");
        const filter = levels.map(([text, wild]) => (wild ? "+" : text)).join("/");
        expect(topicMatches(filter, topic)).toBe(true);
        expect(topicMatches(topic, topic)).toBe(true);
        expect(topicMatches(`${filter}/x`, topic)).toBe(false);
      }),
    );
  });
});
