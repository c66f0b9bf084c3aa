/** Each channel of each tensor carries a label; channels that can only be removed together end up with the same one. */
export class ChannelLabels {
  readonly #parents: number[] = [];
  readonly #reasons = new Map<number, string>();
  readonly #marks: { readonly labels: readonly number[]; readonly mark: number }[] = [];
  #markCount = 0;

  /** New channels, none of which belongs to any other yet. */
  fresh(count: number): number[] {
    const first = this.#parents.length;
    for (let label = first; label < first + count; label++) this.#parents.push(label);
    return Array.from({ length: count }, (_, index) => first + index);
  }

  /** The one label that stands for all channels that are removed together with this one. */
  find(label: number): number {
    let root = label;
    for (let parent = this.#parents[root]; parent !== undefined && parent !== root; parent = this.#parents[root])
      root = parent;
    // Later questions find it at once.
    for (let at = label; at !== root;) {
      const next = this.#parents[at] as number;
      this.#parents[at] = root;
      at = next;
    }
    return root;
  }

  /** Ties the channels of two lists of the same length, one by one. */
  join(first: readonly number[], second: readonly number[]): void {
    for (const [index, label] of first.entries()) {
      const [kept, gone] = [this.find(label), this.find(second[index] as number)];
      if (kept === gone) continue;
      this.#parents[gone] = kept;
      const reason = this.#reasons.get(gone);
      if (reason !== undefined && !this.#reasons.has(kept)) this.#reasons.set(kept, reason);
    }
  }

  /** Says that these channels have to stay, and why; the first reason is kept. */
  fix(labels: readonly number[], reason: string): void {
    for (const label of labels) {
      const root = this.find(label);
      if (!this.#reasons.has(root)) this.#reasons.set(root, reason);
    }
  }

  /** Why a channel has to stay; undefined where it may go. */
  reason(label: number): string | undefined {
    return this.#reasons.get(this.find(label));
  }

  /** Says that these channels are written, or handed on, by one and the same node: a group holds the channels with the same marks. */
  mark(labels: readonly number[]): void {
    this.#marks.push({ labels, mark: this.#markCount++ });
  }

  /** The marks of each label that stands for others or itself, as one text; what is not marked is not there. */
  signatures(): Map<number, string> {
    const marks = new Map<number, Set<number>>();
    for (const { labels, mark } of this.#marks) {
      for (const label of labels) {
        const root = this.find(label);
        const known = marks.get(root);
        if (known === undefined) marks.set(root, new Set([mark]));
        else known.add(mark);
      }
    }
    return new Map([...marks].map(([root, found]) => [root, [...found].sort((a, b) => a - b).join(",")]));
  }
}
