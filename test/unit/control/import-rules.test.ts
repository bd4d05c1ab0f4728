/** Import direction: a wrong import is named by its rule, right ones pass, and the product has none that is wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBrokenImports } from '../../../infra/dev/check-imports.js';
import { brokenRule, IMPORT_RULES } from '../../../infra/dev/import-rules.js';

const WRONG: readonly [file: string, target: string, rule: string][] = [
  ['workflows/engine-job.ts', 'activities/jobs.ts', 'workflows-import-contracts-only'],
  ['workflows/engine-job.ts', 'node:crypto', 'workflows-import-contracts-only'],
  ['workflows/steps/dag.ts', 'pg', 'workflows-import-contracts-only'],
  ['workflows/contracts/ids.ts', 'workflows/steps/dag.ts', 'contracts-import-nothing'],
  ['workflows/contracts/ids.ts', 'zod', 'contracts-import-nothing'],
  ['activities/jobs.ts', 'workers/deps.ts', 'activities-never-import-workers-or-workflows'],
  ['activities/jobs.ts', 'workflows/engine-job.ts', 'activities-never-import-workers-or-workflows'],
  ['activities/jobs.ts', '@temporalio/workflow', 'activities-never-import-workers-or-workflows'],
  ['engines/flink/engine.ts', '@temporalio/activity', 'engines-know-nothing-of-temporal'],
  ['engines/flink/engine.ts', 'activities/jobs.ts', 'engines-know-nothing-of-temporal'],
  ['engines/flink/engine.ts', 'pipelines/load.ts', 'engines-know-nothing-of-temporal'],
  ['pipelines/load.ts', 'infra/postgres/pool.ts', 'pipelines-import-errors-only'],
  ['infra/postgres/pool.ts', 'engines/port.ts', 'infra-imports-infra-only'],
  ['infra/local/stack.ts', 'infra/postgres/pool.ts', 'local-stack-stands-alone'],
  ['infra/openlineage-client/src/client.ts', 'infra/errors.ts', 'openlineage-client-stands-alone'],
  ['workers/worker.ts', 'workflows/engine-job.ts', 'workers-never-import-workflow-code'],
];

const RIGHT: readonly [file: string, target: string][] = [
  ['workflows/engine-job.ts', '@temporalio/workflow'],
  ['workflows/engine-job.ts', 'workflows/contracts/ids.ts'],
  ['workflows/contracts/messages.ts', '@temporalio/workflow'],
  ['activities/jobs.ts', 'engines/port.ts'],
  ['activities/jobs.ts', 'node:crypto'],
  ['engines/flink/engine.ts', 'infra/http/client.ts'],
  ['infra/local/stack.ts', 'infra/errors.ts'],
  ['workers/control.ts', 'workflows/contracts/ids.ts'],
  ['workers/cli.ts', 'workers/control.ts'],
];

const isPackage = (target: string): boolean =>
  !/^(workflows|activities|workers|engines|infra|pipelines)\//.test(target);

for (const [file, target, rule] of WRONG) {
  test(`${file} must not import ${target}`, () =>
    assert.equal(brokenRule({ file, target, isPackage: isPackage(target) }), rule));
}

test('right imports break no rule', () => {
  for (const [file, target] of RIGHT)
    assert.equal(brokenRule({ file, target, isPackage: isPackage(target) }), undefined, `${file} -> ${target}`);
});

test('every rule has a name of its own and is seen to break', () => {
  const names = IMPORT_RULES.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual([...new Set(WRONG.map(([, , rule]) => rule))].sort(), names.sort());
});

test('the product imports in the right direction only', async () => {
  assert.deepEqual(await findBrokenImports(), []);
});
