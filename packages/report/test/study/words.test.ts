import type { Results } from "@edgewatt/protocol";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { figure } from "../../src/figures/index.ts";
import { reportMarkdown } from "../../src/markdown.ts";
import { mergeResults } from "../../src/merge.ts";
import { resultsTable } from "../../src/results-table.ts";
import { studyFindings } from "../../src/study/words.ts";
import { studyLayers } from "../layers/study-layers.ts";
import { study } from "../study.ts";
import { type Options, prunedStudy } from "./pruned-study.ts";

const about = (results: Results) => new Map(studyFindings(results).map((finding) => [finding.about, finding.text]));
const told = (options: Options) => about(prunedStudy(options));

describe("what a study found", () => {
  it("begins with what was done, and what it was made from", () => {
    expect(told({}).get("What was done")).toBe(
      "net lost 20 % and 40 % of its channels, each rounded to multiples of 16 and as exact counts, chosen by what the layers behind would lose, " +
        "and was measured on pi-1 (Raspberry Pi 5 Model B Rev 1.0). What was cut was repaired in closed form from 1,000 images of kind cifar, " +
        "without labels and without training. Of 1,500,000 parameters the smallest model has 600,000 left. The int8 models were calibrated on the " +
        "first 256 of them. These keep all their channels: fc (the model's outputs stay).",
    );
  });

  it("puts all layers together that have too few channels, and calls a folder of images one", () => {
    const results = prunedStudy({ aligns: [16] });
    const facts = results.study;
    if (facts === undefined) throw new RangeError("it is a study");
    const kept = (channels: number) =>
      `it has ${channels} channels that could go, no more than the 16 that are kept together`;
    for (const variant of facts.variants) {
      variant.left = [
        { reason: kept(8), layers: 8, first: "stem" },
        { reason: kept(2), layers: 1, first: "gate" },
        { reason: "the model's outputs stay", layers: 1, first: "fc" },
      ];
    }
    facts.repair = { kind: "images", images: 40 };
    const done = about(results).get("What was done");
    expect(done).toContain(
      "These keep all their channels: fc (the model's outputs stay) and 9 layers such as stem (no more channels than one multiple).",
    );
    expect(done).toContain("from 40 images of a folder, without labels");
    expect(done).toContain("The int8 models were calibrated on 256 images of kind cifar.");
  });

  it("says how fast it became, with the paired ratio", () => {
    const speed = told({}).get("Speed");
    expect(speed).toContain(
      "In fp32 the fastest is the model pruned by 0.4 in multiples of 16: 5.00 ± 0.10 ms an image, 0.50 [0.49, 0.51] of the unpruned model's time.",
    );
    expect(speed).toContain("Of the unpruned model int8 takes 0.50 [0.49, 0.51] of the time of fp32.");
  });

  it("names the counts that fell off the fast kernels, and what that cost beside multiples", () => {
    const counts = told({}).get("Channel counts");
    expect(counts).toContain(
      "At 0.2 in exact counts, 2 of 9 Convs miss that, with 38 (conv0) and 153 (conv1) channels.",
    );
    expect(counts).toContain("In fp32 exact counts take 2.29 [2.24, 2.33] times as long as multiples of 16 at 0.2.");
    expect(told({ aligns: [16] }).get("Channel counts")).toBe(
      "All channel counts are multiples of 16, as the kernels want them.",
    );
    const alone = told({ aligns: [1] }).get("Channel counts");
    expect(alone).toContain("Slower though smaller (fp32): net-20-a1 takes 1.60");
  });

  it("says how accuracy changed, and from where on a difference is more than chance", () => {
    const accuracy = told({}).get("Accuracy");
    expect(accuracy).toContain(
      "In fp32 the unpruned model has 88.50 %; pruned it has 88.00 % at 0.2 in multiples of 16, 88.10 % at 0.2 in exact counts and 85.20 % at 0.4 in multiples of 16.",
    );
    // 1.96 · √(0.85 · 0.15 ÷ 2000)
    expect(accuracy).toContain("On 2,000 test images one figure is sure to about ±1.6 points");
  });

  it("chooses the cheapest row within a point of the best, by measured energy or else by latency", () => {
    const measured = told({}).get("Best compromise");
    expect(measured).toContain(
      "The model pruned by 0.2 in multiples of 16, as int8: 87.80 % at 17.5 ± 1.4 mJ an image",
    );
    expect(measured).toContain(
      "in both accuracy and energy: int8 at 0.4 in multiples of 16, int8 at 0.2 in multiples of 16, int8 unpruned and fp32 unpruned.",
    );
    expect(measured).toContain("It has the lowest gross energy of all within 1 point of the best accuracy (88.50 %)");
    const modelled = told({ source: "estimate" }).get("Best compromise");
    expect(modelled).toContain("It has the lowest latency of all");
    expect(modelled).toContain("Energy is an estimate here, so latency decides.");
  });

  it("says why there is no accuracy, and then chooses nothing", () => {
    const blank = told({ accuracy: false });
    expect(blank.get("Accuracy")).toMatch(/^Not measured: .*test set.* So nothing here says what pruning cost/);
    expect(blank.has("Best compromise")).toBe(false);
  });

  it("tells what failed, and what synthetic images are worth", () => {
    const results = prunedStudy();
    const facts = results.study;
    if (facts === undefined) throw new RangeError("it is a study");
    const failed = about({
      ...results,
      study: {
        ...facts,
        repair: { kind: "synthetic", images: 1000 },
        failed: [{ fraction: 0.9, align: 16, reason: "nothing is left" }],
      },
    });
    expect(failed.get("What failed")).toBe("Pruning by 0.9 in multiples of 16 did not succeed: nothing is left.");
    expect(failed.get("What was done")).toContain("from 1,000 synthetic images, without labels");
    expect(failed.get("What was done")).toContain("Real images would repair it better.");
  });

  it("warns of short windows, of a disturbed machine and of estimates, and of nothing else", () => {
    expect(told({}).has("With care")).toBe(false);
    const results = prunedStudy({ source: "estimate" });
    for (const row of results.rows.slice(0, 3))
      row.flags.push("foreign-cpu: other processes took 90 %", "estimate: modelled");
    const quick = { ...results, method: { ...results.method, quick: true } };
    expect(about(quick).get("With care")).toBe(
      "Windows were short, so this shows that everything works; cite a full run. The machine was disturbed while it measured: " +
        "foreign-cpu in 3 of 8 rows. Power and energy are estimates of a model, not measured.",
    );
  });

  it("is nothing for results that are no study, nor for several that were merged", () => {
    expect(studyFindings(study())).toEqual([]);
    expect(mergeResults([prunedStudy(), study()]).study).toBeUndefined();
  });
});

describe("the report of a study", () => {
  it("has the findings first, no table of others, and the layers where they were measured", () => {
    const text = reportMarkdown(prunedStudy());
    expect(text).toMatch(/^# Pruning study of net\n/);
    expect(text.indexOf("## Findings")).toBeLessThan(text.indexOf("## Results"));
    expect(text).not.toContain("## Published");
    expect(text).not.toContain("layer-importance.svg");
    expect(text).toContain("`edgewatt prune MODEL --fraction F --align A`");
    const results = prunedStudy();
    if (results.study?.repair) results.study.repair.images = 400;
    expect(reportMarkdown(results)).toContain("`edgewatt prune MODEL --fraction F --align A --images 400`");
    expect(reportMarkdown(prunedStudy(), studyLayers())).toContain("(layer-importance.svg)");
    expect(reportMarkdown(study())).toContain("## Published");
  });

  it("tells rows of the same fraction apart by a column, which other results do not have", () => {
    const columns = (results: Results) => resultsTable(results).columns.map(({ key }) => key);
    expect(columns(prunedStudy())).toContain("align");
    expect(columns(study())).not.toContain("align");
    const { rows } = resultsTable(prunedStudy());
    const at = columns(prunedStudy()).indexOf("align");
    expect(rows.map((cells) => cells[at]?.text)).toEqual(["uncut", "uncut", "16", "16", "1", "1", "16", "16"]);
  });

  it("draws a series for each precision and alignment, both from the unpruned model on", () => {
    const { svg } = figure("latency-vs-pruning", prunedStudy());
    const { document } = parseHTML(svg);
    const names = [...document.querySelectorAll("text")].map(({ textContent }) => textContent);
    for (const name of ["fp32, ×16", "fp32, exact", "int8, ×16", "int8, exact"]) expect(names).toContain(name);
    expect(document.querySelectorAll("[aria-label=dot] path")).toHaveLength(8);
    expect(document.querySelectorAll("[aria-label=line] path")).toHaveLength(4);
    // The same of a model that was pruned itself before.
    const again = prunedStudy();
    const step = again.rows.find(({ lineage }) => lineage !== undefined)?.lineage ?? [];
    for (const row of again.rows) if (row.model === "net") row.lineage = step;
    expect(figure("latency-vs-pruning", again).svg).toBe(svg);
    const single = parseHTML(figure("latency-vs-pruning", prunedStudy({ aligns: [16] })).svg).document;
    const legend = [...single.querySelectorAll("text")].map(({ textContent }) => textContent);
    expect(legend).toContain("fp32");
    expect(legend.join()).not.toContain("×16");
  });
});
