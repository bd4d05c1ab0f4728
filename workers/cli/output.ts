/** How commands speak: results on stdout, progress on stderr, tables for people, one JSON object for programs. */
import Table from 'cli-table3';

export const say = (line: string): void => void process.stderr.write(`${line}\n`);
export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value));

export function printTable(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map((cell) => cell ?? '-'));
  print(table.toString());
}
