/** Runs the tests by kind: `run.ts [unit | replay | workflow | integration | e2e]…`; all of them by default. */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestStack, testStackEnv } from './support/test-stack.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, '.sluice', 'test-results');

interface Kind {
  folders: readonly string[];
  match: RegExp;
  needsStack: boolean;
  /** Test files at the same time. */
  atOnce: number;
}

/** In this order; the end-to-end tests look at what the demo left, so they come before tests that add to it. */
const KINDS = {
  unit: {
    folders: ['test/unit', 'test/contract', 'test/chaos', 'test/types', 'infra/openlineage-client/test'],
    match: /(?<!\.real)\.test\.ts$/,
    needsStack: false,
    atOnce: 2,
  },
  replay: { folders: ['test/replay'], match: /\.test\.ts$/, needsStack: false, atOnce: 1 },
  e2e: { folders: ['test/e2e'], match: /(?<!\.second)\.test\.ts$/, needsStack: true, atOnce: 1 },
  workflow: { folders: ['test/workflow'], match: /\.test\.ts$/, needsStack: true, atOnce: 1 },
  integration: {
    folders: ['test/integration', 'test/contract'],
    match: /(?<!\.fake)\.test\.ts$/,
    needsStack: true,
    atOnce: 1,
  },
  'second-source': { folders: ['test/e2e'], match: /\.second\.test\.ts$/, needsStack: true, atOnce: 1 },
} as const satisfies Record<string, Kind>;
type KindName = keyof typeof KINDS;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const problems: string[] = [];

async function filesOf({ folders, match }: Kind): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const names = await readdir(join(ROOT, folder), { recursive: true }).catch(() => []);
    for (const name of names) if (match.test(name)) found.push(posix.join(folder, name.split(sep).join('/')));
  }
  return found.sort();
}

async function runKind(name: KindName, env: Record<string, string>): Promise<void> {
  const kind: Kind = KINDS[name];
  const files = await filesOf(kind);
  if (files.length === 0) return;
  const tap = join(RESULTS, `${name}.tap`);
  const args = [
    '--enable-source-maps',
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${kind.atOnce}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
    ...files,
  ];
  const startedMs = performance.now();
  console.log(`\n== ${name}: ${files.length} files`);
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
  });
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  const text = await readFile(tap, 'utf8').catch(() => '');
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  total.passed += count('pass');
  total.failed += count('fail') + count('cancelled');
  total.skipped += count('skipped') + count('todo');
  if (code !== 0) problems.push(`${name}: tests failed`);
  if (count('pass') + count('fail') === 0) problems.push(`${name}: no test ran`);
  console.log(
    `== ${name}: ${count('pass')} passed, ${count('fail')} failed in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
  );
}

async function step(args: readonly string[]): Promise<string> {
  console.log(`\n== sluice ${args.join(' ')}`);
  const { code, stdout, stderr, seconds } = await onTestStack(ROOT, args);
  console.log(`== sluice ${args.join(' ')}: exit ${code} in ${seconds.toFixed(0)} s`);
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} failed: ${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
  return stdout;
}

async function onStack(kinds: readonly KindName[]): Promise<void> {
  await step(['down', '--wipe']);
  try {
    const wantsDemo = kinds.includes('e2e');
    let env: Record<string, string> = {};
    if (wantsDemo || kinds.some((name) => name === 'workflow' || name === 'integration')) {
      const out = await step(wantsDemo ? ['demo', '--json'] : ['up']);
      const { env: stack, home } = await testStackEnv(ROOT);
      const report = join(RESULTS, 'demo.json');
      if (wantsDemo) await writeFile(report, out);
      env = { ...stack, SLUICE_HOME: home, ...(wantsDemo ? { SLUICE_TEST_DEMO: report } : {}) };
      for (const name of ['e2e', 'workflow', 'integration'] as const)
        if (kinds.includes(name)) await runKind(name, env);
    }
    if (kinds.includes('second-source')) {
      const data = process.env['SLUICE_TEST_DATA'];
      if (data === undefined) console.log('== second-source: skipped, SLUICE_TEST_DATA is not set');
      else {
        await step(['down', '--wipe']);
        const out = await step([
          'demo',
          '--json',
          '--source',
          'adventureworks',
          '--data',
          join(data, 'adventureworks-reseller'),
        ]);
        const { env: stack, home } = await testStackEnv(ROOT);
        const report = join(RESULTS, 'demo-second.json');
        await writeFile(report, out);
        await runKind('second-source', { ...stack, SLUICE_HOME: home, SLUICE_TEST_DEMO: report });
      }
    }
  } finally {
    await step(['down', '--wipe']);
  }
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in KINDS));
  if (unknown.length > 0)
    throw new Error(`unknown kind ${unknown.join(', ')}: known are ${Object.keys(KINDS).join(', ')}`);
  const kinds = (asked.length > 0 ? asked : Object.keys(KINDS)) as KindName[];
  await rm(RESULTS, { recursive: true, force: true });
  await mkdir(RESULTS, { recursive: true });
  for (const name of kinds) if (!KINDS[name].needsStack) await runKind(name, {});
  if (kinds.some((name) => KINDS[name].needsStack)) await onStack(kinds);
}

await main().catch((error: unknown) => problems.push(error instanceof Error ? error.message : String(error)));
for (const problem of problems) console.error(`problem: ${problem}`);
if (problems.length > 0 && total.failed === 0) total.failed += 1;
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = problems.length === 0 ? 0 : 1;
