import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownerOf } from "../../src/sharing/rendezvous.ts";

const id = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 6 });

describe("ownerOf", () => {
  it("picks one of the ids, whatever their order, and none without any", () => {
    fc.assert(
      fc.property(ids, id, (some, key) => {
        const owner = ownerOf(key, some);
        expect(some).toContain(owner);
        expect(ownerOf(key, some.toReversed())).toBe(owner);
      }),
    );
    expect(ownerOf("pi-1", [])).toBeUndefined();
  });

  it("moves only the keys of an id that goes, and only to an id that comes", () => {
    fc.assert(
      fc.property(ids, id, fc.array(id, { maxLength: 20 }), (some, other, keys) => {
        const more = [...new Set([...some, other])];
        for (const key of keys) {
          const after = ownerOf(key, more);
          if (after !== other) expect(ownerOf(key, some)).toBe(after);
        }
      }),
    );
  });

  it("spreads a fleet evenly", () => {
    const counts = new Map<string | undefined, number>();
    for (let n = 0; n < 3000; n++) {
      const owner = ownerOf(`pi-${n}`, ["one", "two", "three"]);
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    // 1000 each, standard deviation 26.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(130);
    expect(counts.size).toBe(3);
  });
});
