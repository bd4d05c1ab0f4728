/** A submission's key, tag and document, by an independent computation and by the contract with the jobs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { decideSubmission, submissionKey } from '../../../activities/submission.js';
import type { PrepareSubmissionInput } from '../../../workflows/contracts/activities.js';
import { runRef, stagePlan, streamPlan } from '../../support/workflow-plans.js';

const CONTEXT = { installation: 'abc123', bucket: 'lake', kafkaBrokers: '127.0.0.1:9092', nowMs: 1_000 };
const OWNER = { workflowId: 'run/p/1997-01-02/daily', firstRunId: '0195d5a0-0000-7000-8000-000000000001' };

function stage(
  more: Partial<PrepareSubmissionInput> = {},
  plan: Parameters<typeof stagePlan>[1] = {},
): PrepareSubmissionInput {
  const target = {
    kind: 'stage' as const,
    run: runRef('p', '1997-01-02'),
    stage: stagePlan('daily', plan),
    upstream: {},
  };
  return { owner: OWNER, submission: 1, memoryFactor: 1, target, ...more };
}

describe('key of a submission', () => {
  test('is what the formula says, computed from its text', () => {
    const text = '["run/p/1997-01-02/daily","0195d5a0-0000-7000-8000-000000000001",3]';
    const hex = createHash('sha256').update(text, 'utf8').digest('hex');
    assert.equal(submissionKey(OWNER, 3), hex.substring(0, 32));
    assert.equal(
      submissionKey({ workflowId: 'a', firstRunId: 'b' }, 1),
      createHash('sha256').update('["a","b",1]').digest('hex').slice(0, 32),
    );
  });

  test('differs with owner, chain and number, and with where one part ends', () => {
    const keys = [
      submissionKey(OWNER, 1),
      submissionKey(OWNER, 2),
      submissionKey({ ...OWNER, firstRunId: 'x' }, 1),
      submissionKey({ ...OWNER, workflowId: 'x' }, 1),
      submissionKey({ workflowId: 'a"', firstRunId: 'b' }, 1),
      submissionKey({ workflowId: 'a', firstRunId: '"b' }, 1),
    ];
    assert.equal(new Set(keys).size, keys.length);
    for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
  });
});

describe('document of a stage', () => {
  test('names its inputs, and outputs under a folder of its own', () => {
    const { key, tag, spec } = decideSubmission(stage(), CONTEXT);
    const folder = `lake/p/1997-01-02/daily/${key}`;
    assert.equal(tag, `sluice:abc123:${key}`);
    assert.equal(spec.outputPrefix, `s3://${folder}/`);
    assert.deepEqual(spec.document, {
      key,
      tag,
      name: 'p/daily 1997-01-02',
      pipeline: 'p',
      stage: 'daily',
      partition: { from: '1997-01-02', to: '1997-01-03' },
      params: {},
      inputs: [{ name: 'sales', format: 'parquet', path: 's3a://lake/sales/' }],
      outputs: [{ name: 'city_sales_daily', format: 'parquet', path: `s3a://${folder}/city_sales_daily/` }],
      claim: `s3a://${folder}/_claim`,
      manifest: `s3a://${folder}/_manifest.json`,
    });
  });

  test('a range has no slash in its folder', () => {
    const request = stage();
    assert.ok(request.target.kind === 'stage');
    request.target.run = runRef('p', '1997-01-01/1998-12-31');
    assert.match(
      decideSubmission(request, CONTEXT).spec.outputPrefix ?? '',
      /^s3:\/\/lake\/p\/1997-01-01_1998-12-31\/daily\//,
    );
  });

  test('reads the output of the submission whose manifest it was handed', () => {
    const request = stage({}, { inputs: [{ name: 'daily_sales', fromStage: 'daily', dataset: 'city_sales_daily' }] });
    assert.ok(request.target.kind === 'stage');
    request.target.upstream = { daily: 's3://lake/p/d/daily/k1/_manifest.json' };
    const { inputs } = decideSubmission(request, CONTEXT).spec.document as { inputs: unknown };
    assert.deepEqual(inputs, [
      { name: 'daily_sales', format: 'parquet', path: 's3a://lake/p/d/daily/k1/city_sales_daily/' },
    ]);
    request.target.upstream = {};
    assert.throws(() => decideSubmission(request, CONTEXT), { code: 'MANIFEST_MISSING' });
  });

  test('more memory after it ran out, and nothing else', () => {
    const resources = { cores: 2, memoryMb: 1_001, driverMemoryMb: 512 };
    const { spec } = decideSubmission(stage({ memoryFactor: 1.5 }, { resources }), CONTEXT);
    assert.deepEqual(spec.resources, { cores: 2, memoryMb: 1_502, driverMemoryMb: 768 });
  });

  test('parameters of the run, and arguments of the job above them', () => {
    const request = stage({}, { job: { module: 'spark', mainClass: 'x', args: { days: 3 }, sql: 'select 1' } });
    assert.ok(request.target.kind === 'stage');
    request.target.run.params = { days: 7, city: 'Sèvres' };
    const { params, sql } = decideSubmission(request, CONTEXT).spec.document as { params: unknown; sql: unknown };
    assert.deepEqual([params, sql], [{ days: 3, city: 'Sèvres' }, 'select 1']);
  });
});

test('document of a stream: one group and application over all submissions, and where to start from', () => {
  const target = { kind: 'stream' as const, stream: streamPlan('p'), generation: 2 };
  const of = (submission: number) =>
    decideSubmission({ owner: OWNER, submission, memoryFactor: 1, target, restoreFrom: 'file:///chk-7' }, CONTEXT).spec;
  const [first, second] = [of(1), of(2)];
  assert.notEqual(first.document['key'], second.document['key']);
  for (const spec of [first, second]) {
    assert.deepEqual(
      [spec.document['groupId'], spec.document['applicationId'], spec.document['generation']],
      ['sluice-p-live', 'sluice-p-live', 2],
    );
    assert.deepEqual(spec.document['kafka'], { bootstrapServers: '127.0.0.1:9092' });
    assert.equal(spec.restoreFrom, 'file:///chk-7');
    assert.equal(spec.outputPrefix, undefined);
  }
});
