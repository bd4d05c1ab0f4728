/** Texts from outside in a form that Postgres can hold: NUL and halves of surrogate pairs are shown as U+FFFD. */

/** Errors of engines do contain them: a broken record is quoted, a log is cut in the middle of a character. */
const UNSTORABLE = /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export const storableText = (text: string): string => text.replace(UNSTORABLE, '\ufffd');

/** JSON whose texts can be held as jsonb. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part));
