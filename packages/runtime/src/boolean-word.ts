const WORDS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

/** What a word means where yes or no is asked; `undefined` for any other word. */
export function booleanWord(text: string): boolean | undefined {
  return WORDS.get(text.toLowerCase());
}
