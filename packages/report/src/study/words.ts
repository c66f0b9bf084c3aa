import type { Results, Study } from "@edgewatt/protocol";
import { accuracyWords } from "./accuracy-words.ts";
import { cautionWords } from "./caution-words.ts";
import { compromiseWords } from "./compromise.ts";
import { cutWords, failedWords, howToGet } from "./cut-words.ts";
import { kernelWords } from "./kernel-words.ts";
import { speedWords } from "./speed-words.ts";

/** A paragraph with what it is about. */
export interface Finding {
  readonly about: string;
  readonly text: string;
}

/** What a study found, in words, for a reader who sees nothing else of it. Nothing for results that are no study. */
export function studyFindings(results: Results): Finding[] {
  const { study } = results;
  return study === undefined ? [] : findingsOf(study, results);
}

function findingsOf(study: Study, results: Results): Finding[] {
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ["What was done", cutWords(study, results)],
    ["What failed", failedWords(study)],
    ["Speed", speedWords(study, results)],
    ["Channel counts", kernelWords(study, results)],
    ["Accuracy", accuracyWords(study, results)],
    ["Best compromise", compromiseWords(study, results)],
    ["With care", cautionWords(results)],
    ["To get a model", howToGet(study)],
  ];
  return parts.flatMap(([about, sentences]) => (sentences.length === 0 ? [] : [{ about, text: sentences.join(" ") }]));
}
