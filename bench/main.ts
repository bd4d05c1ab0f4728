/** `npm run bench -- NAME [--json]`: runs one benchmark; each prints one object with metrics, peer and targets. */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface BenchReport {
  name: string;
  machine: string;
  metrics: Record<string, number>;
  peer: Record<string, number | string>;
  targets: { metric: string; op: '<=' | '>='; limit: number; value: number; ok: boolean }[];
}

const FOLDER = fileURLToPath(new URL('./', import.meta.url));

async function names(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.flatMap((file) => /^(.*)\.bench\.ts$/.exec(file)?.[1] ?? []).sort();
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const known = await names();
const name = positionals[0];
if (name === undefined || values.help) {
  console.log(`usage: npm run bench -- NAME [--json]\nbenchmarks: ${known.join(', ') || 'none in this version'}`);
} else if (!known.includes(name)) {
  console.error(`unknown benchmark '${name}'; known: ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  const { run } = (await import(`./${name}.bench.ts`)) as {
    run: (say: (line: string) => void) => Promise<BenchReport>;
  };
  const report = await run((line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else {
    for (const [metric, value] of Object.entries(report.metrics)) console.log(`${metric}: ${value}`);
    for (const one of report.targets)
      console.log(`${one.ok ? 'ok  ' : 'MISS'} ${one.metric} ${one.op} ${one.limit}: ${one.value}`);
  }
  if (report.targets.some(({ ok }) => !ok)) process.exitCode = 1;
}
