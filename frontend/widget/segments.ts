/** Answers carry their citations as `[1]`; what is not the number of a known source stays text. */

export type Segment = { kind: "text"; text: string } | { kind: "citation"; number: number };

const MARKER = /\[(\d{1,3})\]/g;
const UNFINISHED_MARKER = /\s?\[\d{0,3}$/;

export function segments(
  text: string,
  isSource: (number: number) => boolean,
  isStreaming: boolean,
): Segment[] {
  const settled = isStreaming ? text.replace(UNFINISHED_MARKER, "") : text;
  const found: Segment[] = [];
  let from = 0;
  const upTo = (end: number) => {
    if (end > from) found.push({ kind: "text", text: settled.slice(from, end) });
  };
  for (const match of settled.matchAll(MARKER)) {
    const number = Number(match[1]);
    if (!isSource(number)) continue;
    upTo(match.index);
    found.push({ kind: "citation", number });
    from = match.index + match[0].length;
  }
  upTo(settled.length);
  return found;
}

/** The reading for a screen reader: the same words without the markers. */
export const spoken = (text: string, isSource: (number: number) => boolean): string =>
  text.replace(MARKER, (marker, number) => (isSource(Number(number)) ? "" : marker)).trim();
