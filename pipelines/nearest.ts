/** Finds the known name a person most likely meant. */

/** Number of single-character edits (a swap of neighbours counts as one) between two words. */
export function editDistance(left: string, right: string): number {
  const width = right.length + 1;
  const cells = new Array<number>((left.length + 1) * width).fill(0);
  const at = (row: number, column: number): number => cells[row * width + column] as number;
  for (let row = 0; row <= left.length; row += 1) cells[row * width] = row;
  for (let column = 0; column < width; column += 1) cells[column] = column;
  for (let row = 1; row <= left.length; row += 1) {
    for (let column = 1; column < width; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        best = Math.min(best, at(row - 2, column - 2) + 1);
      }
      cells[row * width + column] = best;
    }
  }
  return at(left.length, right.length);
}

/** Longer words are no typing errors. */
const MAX_WORD = 100;

/** The nearest known name, if one is near enough to be worth naming. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD) return undefined;
  let found: string | undefined;
  let foundDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const contained = candidate.length > 3 && (word.includes(candidate) || candidate.includes(word)) && word.length > 3;
    const rated = contained ? Math.min(distance, 1.5) : distance;
    if (rated < foundDistance) {
      found = candidate;
      foundDistance = rated;
    }
  }
  return found;
}

/** ` (did you mean x?)`, or the list of what is known. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return ` (did you mean '${near}'?)`;
  return known.length === 0 ? '' : ` (known: ${known.join(', ')})`;
}
