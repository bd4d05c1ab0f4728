/** Secrets of the stack, looked for wherever they must not be: histories, tables, logs, lineage, command lines, engine pages. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import proto from '@temporalio/proto';
import { e2eSession, SKIP } from '../support/e2e.js';

const { History } = proto.temporal.api.history.v1;
const run = promisify(execFile);
const WORKFLOWS = 300;

describe('secrets', { skip: SKIP }, () => {
  const session = e2eSession();
  const { home, pool, databaseUrl } = session;
  const secrets = [decodeURIComponent(new URL(databaseUrl).password), process.env['S3_SECRET_ACCESS_KEY'] ?? ''];

  const told = (text: Buffer | string): boolean => secrets.some((secret) => Buffer.from(text).includes(secret));

  it('are there to be looked for', () => {
    for (const secret of secrets) assert.ok(secret.length >= 8, 'the local stack makes long passwords');
    assert.ok(told(`x${secrets[1]}x`));
  });

  it('stand in no history: no input, result, failure, memo or summary', async () => {
    const found: string[] = [];
    let seen = 0;
    for await (const { workflowId, runId } of session.client.workflow.list()) {
      if (seen >= WORKFLOWS) break;
      seen += 1;
      const history = await session.client.workflow.getHandle(workflowId, runId).fetchHistory();
      if (told(Buffer.from(History.encode(History.fromObject(history)).finish()))) found.push(workflowId);
    }
    assert.ok(seen > 5, `${seen} workflows`);
    assert.deepEqual(found, []);
  });

  it('stand in no table of the control plane', async () => {
    const { rows } = await pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('control', 'staging')`,
    );
    assert.ok(rows.length > 8);
    const found: string[] = [];
    for (const { name } of rows) {
      const { rows: hits } = await pool.query<{ hit: boolean }>(
        `select exists (select from ${name} t where position($1 in t::text) > 0 or position($2 in t::text) > 0) as hit`,
        secrets,
      );
      if (hits[0]?.hit) found.push(name);
    }
    assert.deepEqual(found, []);
  });

  it('stand in no log, and in no lineage event', async () => {
    const folders = [join(home, '.sluice', 'logs'), join(home, '.sluice', 'lineage')];
    const found: string[] = [];
    let files = 0;
    for (const folder of folders) {
      for (const name of await readdir(folder)) {
        files += 1;
        if (told(await readFile(join(folder, name)))) found.push(name);
      }
    }
    assert.ok(files > 5, `${files} files`);
    assert.deepEqual(found, []);
  });

  it('stand on no command line and on no page of an engine', async () => {
    const { stdout } = await run('ps', ['-eo', 'args'], { maxBuffer: 64 * 1024 * 1024 });
    assert.ok(!told(stdout), 'a command line tells one');
    const flink = process.env['FLINK_REST_URL'] ?? '';
    const { jobs } = (await (await fetch(`${flink}/jobs/overview`)).json()) as { jobs: { jid: string }[] };
    const pages = [
      `${process.env['SPARK_MASTER_UI_URL']}/json/`,
      `${flink}/jobmanager/config`,
      ...jobs.map(({ jid }) => `${flink}/jobs/${jid}/config`),
    ];
    for (const page of pages) {
      const answer = await fetch(page);
      assert.ok(answer.ok, page);
      assert.ok(!told(await answer.text()), page);
    }
  });
});
