import { describe, expect, test } from "vitest";
import { chooseEncoding, isKnownVersion } from "../src/http/encoding.ts";

describe("the encoding of a body", () => {
  test.each([
    [undefined, "identity"],
    ["", "identity"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, deflate", "gzip"],
    ["deflate", "identity"],
    ["GZIP;q=1.0, br;q=0.5", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["gzip;q=0", "identity"],
    ["*", "br"],
    ["*;q=0.1, identity", "identity"],
    ["br;q=0.3, identity;q=0.6", "identity"],
    ["br;q=x", "identity"],
  ] as const)("%s is answered with %s", (accepted, expected) => {
    expect(chooseEncoding(accepted)).toBe(expected);
  });

  test("is one of those that there are", () => {
    expect(chooseEncoding("br, gzip", ["gzip", "identity"])).toBe("gzip");
    expect(chooseEncoding("br", ["gzip", "identity"])).toBe("identity");
  });
});

test("a version is known by any tag of the list, weak ones too", () => {
  expect(isKnownVersion('"a", W/"b"', '"b"')).toBe(true);
  expect(isKnownVersion("*", '"b"')).toBe(true);
  expect(isKnownVersion('"a"', '"b"')).toBe(false);
  expect(isKnownVersion(undefined, '"b"')).toBe(false);
});
