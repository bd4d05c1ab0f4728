/** Writes pipelines to a temporary folder for tests of the loader. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { isSluiceError } from '../../../infra/errors.js';
import { loadPipelines } from '../../../pipelines/load.js';

/** A sound pipeline that uses every section; tests change single lines of it. */
export const SOUND = `name: demo
owner: team
description: A pipeline for tests
timezone: Europe/Berlin
partition: { grain: day, onEmpty: warn }
schedule: { cron: 0 3 * * *, overlap: skip, catchupWindow: 2d, jitter: 30s, paused: true }
params:
  history_days: { type: int, default: 7, min: 1, max: 31 }
sources: [sales]
stages:
  clean:
    engine: spark
    job: { sql: clean.spark.sql }
    inputs:
      sales: { dataset: lake/sales }
    outputs:
      cleaned: { schema: { day: date, city: text, amount: 'numeric(18, 4)' } }
  daily:
    engine: spark
    job: { jar: spark, mainClass: dev.sluice.spark.Daily }
    args: { from: '{{partition.from}}', days: '{{params.history_days}}' }
    inputs:
      cleaned: { dataset: clean/cleaned }
    outputs:
      city_day: { schema: { day: date, city: text, amount: 'numeric(18,4)' } }
    retry: { attempts: 2, backoff: 5s }
    timeout: 90m
streams:
  live:
    engine: kafka-streams
    job: { jar: kafka-streams, mainClass: dev.sluice.streams.Live }
    inputs:
      sales: { topic: sales.raw }
    outputs:
      city_live: { topic: results.city-live }
curated:
  city_day:
    from: daily
    mode: replace-partition
    partitionBy: { column: day, grain: day }
    key: [day, city]
    columns: { day: date, city: text, amount: 'numeric(18,4)' }
  city_live:
    topic: results.city-live
    mode: upsert
    key: [day, city]
    columns: { day: date, city: text, amount: 'numeric(18,4)' }
checks:
  city_day:
    - { type: not_null, columns: [day, city] }
    - { type: reconcile, left: city_live, right: city_day, keys: [day, city], values: [amount] }
freshness: { city_day: 36h }
`;

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

export async function writePipelines(pipelines: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-test-pipelines-'));
  folders.push(dir);
  for (const [name, text] of Object.entries(pipelines)) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'pipeline.yaml'), text);
    await writeFile(join(dir, name, 'clean.spark.sql'), 'select 1;\n');
  }
  return dir;
}

/** Lines of the error that loading gives, without the folder. */
export async function problemsOf(text: string): Promise<string[]> {
  const dir = await writePipelines({ demo: text });
  try {
    await loadPipelines(dir);
    return [];
  } catch (error) {
    if (!isSluiceError(error, 'CONFIG_INVALID')) throw error;
    return error.message.split('\n').map((line) => line.replace(/^.*pipeline\.yaml:/, ''));
  }
}
