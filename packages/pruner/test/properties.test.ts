import { describe, expect, it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { keptCount } from "../src/choose/kept-count.ts";
import { NETWORKS, randomImages } from "./networks.ts";
import { expectAsReported, expectLosslessWhereRedundant, expectUnchangedByZero } from "./promises.ts";

const folder = await useTempDir();
const images = randomImages(64);
/** More images than any layer has inputs, or some would seem redundant by chance. */
const manyImages = randomImages(600);

describe.each(NETWORKS)("%s", (_name, build) => {
  it("pruned by 0 gives what it gave, to 1e-5", () => expectUnchangedByZero(folder, build(), images));

  it.each([
    { fraction: 0.3, align: 1, by: "error" },
    { fraction: 0.5, align: 8, by: "error" },
    { fraction: 0.25, align: 1, by: "l1" },
    { fraction: 0.3, align: 16, by: "l1" },
  ] as const)(
    "pruned by $fraction, in multiples of $align, by $by: loads, with the counts that were promised",
    async (options) => {
      const report = await expectAsReported(folder, build, { ...options, calibration: images });
      expect(report.channels.length).toBeGreaterThan(0);
      for (const { name, before, after } of report.channels)
        expect(after, `channels of ${name}`).toBe(keptCount(before, options.fraction, options.align));
      expect(report.params.after).toBeLessThan(report.params.before);
    },
  );

  it.each([
    { align: 1, by: "error" },
    { align: 8, by: "l1" },
  ] as const)(
    "with fractions shared out by error, in multiples of $align, by $by: has no more parameters than evenly",
    async ({ align, by }) => {
      const common = { fraction: 0.3, align, by, calibration: images };
      const shared = await expectAsReported(folder, build, { ...common, allocate: "error" });
      const even = await expectAsReported(folder, build, common);
      expect(shared.params.after).toBeLessThanOrEqual(even.params.after);
      for (const { name, before, after } of shared.channels)
        expect(after === before || after % align === 0, `${after} channels of ${name}`).toBe(true);
    },
  );

  it("loses nothing, to 1e-4, where half of its channels are redundant", async () => {
    const report = await expectLosslessWhereRedundant(folder, build(), manyImages);
    expect(report.params.after).toBeLessThan(0.6 * report.params.before);
  });
});
