import { describe, expect, it } from "vitest";
import { generate } from "../../src/generate.ts";
import { loadDashboards } from "../grafana.ts";
import { listing } from "./listing.ts";

// After a change: npx vitest run dashboards/test/golden -u, and read what git diff says.
describe("what a dashboard asks and shows is as it was reviewed", () => {
  it.each(loadDashboards().map((dashboard) => [dashboard.uid, dashboard] as const))("%s", async (uid, dashboard) => {
    await expect(listing(dashboard)).toMatchFileSnapshot(`./${uid}.txt`);
  });
});

it("the files are the same text every time", () => {
  expect(generate()).toEqual(generate());
});
