/** What of a line says which point it is. */
export interface LineHead {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  /** As it stands at the end of the line; `undefined` where there is none. */
  readonly time: bigint | undefined;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([,= ])/g, "$1");
}

/** Where one of the characters stands without a backslash before it, or the end; two backslashes are no pair here. */
function indexOfUnescaped(text: string, characters: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (characters.includes(text[i] ?? "") && text[i - 1] !== "\\") return i;
  }
  return text.length;
}

/** Up to the first comma or space that is not escaped. */
export function measurementNameOf(line: string): string {
  return unescape(line.slice(0, indexOfUnescaped(line, ", ", 0)));
}

/** The timestamp of a line in the unit that it is written in. */
export function timeOfLine(line: string): bigint | undefined {
  const last = /[ "](-?\d+)\s*$/.exec(line.slice(-24));
  return last === null || last[0].startsWith('"') ? undefined : BigInt(last[1] ?? "");
}

/** Reads a line as far as it names its point; a line that is none gives whatever stands there. */
export function headOfLine(line: string): LineHead {
  const measurementEnd = indexOfUnescaped(line, ", ", 0);
  const tags = new Map<string, string>();
  let at = measurementEnd;
  while (line[at] === ",") {
    const equals = indexOfUnescaped(line, "=", at + 1);
    const end = indexOfUnescaped(line, ", ", equals + 1);
    tags.set(unescape(line.slice(at + 1, equals)), unescape(line.slice(equals + 1, end)));
    at = end;
  }
  return { measurement: unescape(line.slice(0, measurementEnd)), tags, time: timeOfLine(line) };
}
