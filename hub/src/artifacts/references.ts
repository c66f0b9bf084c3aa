import { isTerminal, SHA256, type Run } from "@edgewatt/protocol";

/** What the recorded runs say of artifacts. */
export interface References {
  /** Named by a run: they stay as long as it does. */
  readonly kept: ReadonlySet<string>;
  /** Named only as what an ended job made, which it can make again from its model and arguments. */
  readonly remakeable: ReadonlySet<string>;
}

const MAKERS: ReadonlySet<string> = new Set(["quantize", "prune"]);

function* digestsIn(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    // What a model was made from, long ago perhaps and elsewhere: a run needs none of it.
    if (key === "lineage") continue;
    if (key === "sha256" && typeof member === "string" && SHA256.test(member)) yield member;
    else yield* digestsIn(member);
  }
}

/** The artifacts that runs name, in their commands and results. */
export function referencesOf(runs: readonly Run[]): References {
  const kept = new Set<string>();
  const made = new Set<string>();
  for (const { op, command, state } of runs) {
    for (const digest of digestsIn(command?.args)) kept.add(digest);
    const { artifact, ...others } = (state?.result ?? {}) as { artifact?: unknown };
    const canMakeAgain = state !== null && isTerminal(state.state) && MAKERS.has(op);
    for (const digest of digestsIn({ artifact })) (canMakeAgain ? made : kept).add(digest);
    for (const digest of digestsIn(others)) kept.add(digest);
  }
  return { kept, remakeable: new Set([...made].filter((digest) => !kept.has(digest))) };
}
