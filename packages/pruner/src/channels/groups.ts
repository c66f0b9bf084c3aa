import type { ChannelFlow } from "./flow.ts";

/** Channels among which some are chosen to go: all of them are written by the same layers and read by the same ones. */
export interface Group {
  /** One label for each channel, which stands for all that go with it. */
  readonly members: readonly number[];
  /** Why all of them stay; undefined where some may go. */
  readonly fixed: string | undefined;
}

/** The groups of a graph, in the order of the layers that write them. */
export function findGroups(flow: ChannelFlow): Group[] {
  const signatures = flow.labels.signatures();
  const members = new Map<string, Set<number>>();
  for (const { output } of flow.dense) {
    for (const label of output) {
      const root = flow.labels.find(label);
      const signature = signatures.get(root) ?? "";
      const known = members.get(signature);
      if (known === undefined) members.set(signature, new Set([root]));
      else known.add(root);
    }
  }
  return [...members.values()].map((roots) => {
    const list = [...roots];
    const fixed = list.map((root) => flow.labels.reason(root)).find((reason) => reason !== undefined);
    return { members: list, fixed };
  });
}
