/** Finds the one readable line in the body of an HTTP error, whatever the server's form of saying it. */

const MAX_LINE = 500;

/** Server errors come as `{"errors":[…]}` (Flink), `{"message":…}` (Spark and most others), or plain text; HTML says nothing. */
export function messageOfBody(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('<')) return '';
  return firstLine(textsOf(trimmed).join('\n') || trimmed);
}

/** All error texts of a body, longest form last; a plain text is its own only part. */
export function textsOf(body: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return [body];
  }
  if (typeof parsed !== 'object' || parsed === null) return [];
  const { errors, message, error } = parsed as Record<string, unknown>;
  if (Array.isArray(errors)) return errors.filter((item): item is string => typeof item === 'string');
  return [message, error].filter((item): item is string => typeof item === 'string');
}

function firstLine(text: string): string {
  const line = text.split('\n').find((part) => part.trim() !== '') ?? '';
  return line.trim().slice(0, MAX_LINE);
}
