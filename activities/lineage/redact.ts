/** Takes credentials out of free text (error messages, SQL) before it becomes part of an event, and bounds its length. */

const MASK = '***';

const RULES: readonly [RegExp, string][] = [
  // scheme://user:password@host, where the password may hold @ and /, and scheme://user@host
  [/\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/'"<>@:]*:[^\s'"<>]*|[^\s/'"<>]*)@/gi, `$1${MASK}@`],
  // Authorization: Bearer x, Basic x
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${MASK}`],
  // password=x, secretKey: "x", 'api_key' = 'x', X-Amz-Signature=x, fs.s3a.secret.key=x
  [
    /((?:password|passwd|pwd|passphrase|secret[\w.-]*|api[_-]?key|access[_.-]?key(?:[_.-]?id)?|(?:access|auth|refresh|session|security|id)[_-]?token|signature|credential|sasl\.jaas\.config)["'`]?\s*(?:=>|[=:])\s*)("[^"]*"|'[^']*'|[^\s,;&)}\]]+)/gi,
    `$1${MASK}`,
  ],
  // AWS access key ids
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, MASK],
];

/** `maxChars` counts what is kept of the text, without the note that it was cut. */
export function redact(text: string, maxChars = 8_000): string {
  // Cut first, with a margin, so that the patterns never run over megabytes; cut again since masks change lengths.
  let safe = text.length > maxChars * 2 ? text.slice(0, maxChars * 2) : text;
  for (const [pattern, replacement] of RULES) safe = safe.replace(pattern, replacement);
  return text.length > maxChars ? `${safe.slice(0, maxChars)}… (${text.length} characters)` : safe;
}
