/** Loading pipelines: the resolved form, and errors that point at line, column, key and the nearest known name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSluiceError } from '../../../infra/errors.js';
import { loadPipeline, loadPipelines } from '../../../pipelines/load.js';
import { PIPELINES_DIR } from '../../support/canonical-sales.js';
import { problemsOf, SOUND, writePipelines } from './declared-files.js';

const change = (from: string, to: string): string => {
  assert.ok(SOUND.includes(from), from);
  return SOUND.replace(from, to);
};

describe('a sound pipeline', () => {
  it('is resolved with defaults, milliseconds, SQL text and stage order, and survives JSON', async () => {
    const [pipeline] = await loadPipelines(await writePipelines({ demo: SOUND }));
    assert.ok(pipeline);
    assert.deepEqual(JSON.parse(JSON.stringify(pipeline)), pipeline);
    assert.deepEqual(pipeline.stageLevels, [['clean'], ['daily']]);
    assert.deepEqual(pipeline.stages['daily']?.dependsOn, ['clean']);
    assert.deepEqual(pipeline.stages['daily']?.retry, { attempts: 2, backoffMs: 5_000, maxBackoffMs: 120_000 });
    assert.equal(pipeline.stages['daily']?.timeoutMs, 5_400_000);
    assert.deepEqual(pipeline.stages['clean']?.job, {
      module: 'spark',
      mainClass: 'dev.sluice.spark.SqlRunner',
      sqlFile: 'clean.spark.sql',
      sql: 'select 1;\n',
    });
    assert.equal(pipeline.stages['clean']?.outputs['cleaned']?.schema['amount'], 'numeric(18,4)');
    assert.deepEqual(pipeline.streams['live']?.resources, { instances: 1 });
    assert.equal(pipeline.freshness['city_day'], 129_600_000);
    const [daily, live] = [pipeline.curated['city_day'], pipeline.curated['city_live']];
    assert.ok(daily?.mode === 'replace-partition' && live?.mode === 'upsert');
    assert.deepEqual([daily.stage, daily.output, live.stream], ['daily', 'city_day', 'live']);
  });

  it('has a hash that follows content, not layout', async () => {
    const hash = async (text: string): Promise<string | undefined> =>
      (await loadPipelines(await writePipelines({ demo: text })))[0]?.specHash;
    const sound = await hash(SOUND);
    assert.match(sound ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await hash(`# a remark\n${SOUND.replace('numeric(18, 4)', 'numeric(18,4)')}`), sound);
    assert.notEqual(await hash(change('timeout: 90m', 'timeout: 91m')), sound);
  });

  it('lists the known pipelines when one is unknown', async () => {
    const refused = (pattern: RegExp) => (error: unknown) =>
      isSluiceError(error, 'INVALID_REQUEST') && pattern.test(error.message);
    await assert.rejects(
      loadPipeline(PIPELINES_DIR, 'top-sales-per-town'),
      refused(
        /unknown pipeline 'top-sales-per-town' \(did you mean 'top-sales-per-city'\?\); known: top-sales-per-city, top-salesman-in-country/,
      ),
    );
    await assert.rejects(loadPipeline(PIPELINES_DIR, '../infra'), refused(/known: top-sales-per-city/));
    await assert.rejects(
      loadPipeline(PIPELINES_DIR, 'x'.repeat(300_000)),
      (error: Error) => error.message.length < 300,
    );
  });

  it('both pipelines of the product load', async () => {
    const pipelines = await loadPipelines(PIPELINES_DIR);
    assert.deepEqual(pipelines.flatMap(({ curated }) => Object.keys(curated)).sort(), [
      'city_sales_daily',
      'city_sales_live',
      'city_sales_sliding',
      'salesman_live',
      'salesman_monthly',
      'salesman_overtakes',
      'salesman_performance',
    ]);
    assert.deepEqual(
      pipelines.map(({ partition, schedule }) => [partition.onEmpty, schedule?.paused]),
      [
        ['fail', true],
        ['fail', true],
      ],
    );
  });
});

describe('errors point at the place', () => {
  const cases: [string, string, string[]][] = [
    [
      'an unknown key with the nearest known one',
      change('    timeout: 90m', '    timout: 90m'),
      [`34:5: stages.daily.timout: unknown key 'timout' (did you mean 'timeout'?)`],
    ],
    [
      'an unknown key at the top',
      change('owner: team', 'owner: team\nstage: {}'),
      [`3:1: stage: unknown key 'stage' (did you mean 'stages'?)`],
    ],
    [
      'an unknown key of a check, by its type',
      change('{ type: not_null, columns: [day, city] }', '{ type: not_null, column: [day, city] }'),
      [
        `56:7: checks.city_day[0].columns: missing (expected array)`,
        `56:25: checks.city_day[0].column: unknown key 'column' (did you mean 'columns'?)`,
      ],
    ],
    ['a missing key', change('owner: team\n', ''), ['1:1: owner: missing (expected string)']],
    [
      'a bad duration',
      change('backoff: 5s', 'backoff: 5 sec'),
      [
        `33:35: stages.daily.retry.backoff: not a duration: want a whole number and a unit, such as '500ms', '10s', '5m', '36h' or '2d'`,
      ],
    ],
    [
      'a bad column type',
      change(
        "      cleaned: { schema: { day: date, city: text, amount: 'numeric(18, 4)' } }",
        '      cleaned: { schema: { day: date, city: varchar } }',
      ),
      [
        '17:45: stages.clean.outputs.cleaned.schema.city: not a column type: want date, text, bigint, int, boolean, timestamptz, timestamp, double, jsonb or numeric(precision,scale) with 1 <= precision <= 38',
      ],
    ],
    [
      'a bad name',
      change('  live:\n', '  Live_1:\n'),
      [
        `36:3: streams.Live_1: bad name 'Live_1': want lower-case letters and digits in groups joined by single hyphens`,
      ],
    ],
    [
      'a job that is neither SQL nor jar',
      change('job: { sql: clean.spark.sql }', 'job: { sqll: clean.spark.sql }'),
      [
        `13:10: stages.clean.job.sql: missing (expected string)`,
        `13:12: stages.clean.job.sqll: unknown key 'sqll' (did you mean 'sql'?)`,
      ],
    ],
    [
      'a missing SQL file',
      change('sql: clean.spark.sql', 'sql: cleen.spark.sql'),
      ['13:17: stages.clean.job.sql: no such file beside pipeline.yaml: cleen.spark.sql'],
    ],
    [
      'an input that nobody writes',
      change('dataset: clean/cleaned', 'dataset: clean/cleand'),
      [`24:27: stages.daily.inputs.cleaned.dataset: stage 'clean' has no output 'cleand' (did you mean 'cleaned'?)`],
    ],
    [
      'a source that is not declared',
      change('dataset: lake/sales', 'dataset: lake/sale'),
      [`15:25: stages.clean.inputs.sales.dataset: 'sale' is not among the sources (did you mean 'sales'?)`],
    ],
    [
      'a cycle',
      change('    timeout: 90m', '    timeout: 90m\n')
        .replace('  daily:\n    engine', '  daily:\n    after: [clean]\n    engine')
        .replace('sales: { dataset: lake/sales }', 'sales: { dataset: daily/city_day }'),
      ['11:3: stages.clean: stages wait for each other: clean -> daily -> clean'],
    ],
    [
      'a template that names nothing',
      change('{{params.history_days}}', '{{params.history_day}}'),
      [
        `22:44: stages.daily.args.days: nothing is called '{{params.history_day}}' (did you mean 'params.history_days'?)`,
      ],
    ],
    [
      'columns that differ from the output',
      change(
        "    key: [day, city]\n    columns: { day: date, city: text, amount: 'numeric(18,4)' }\n  city_live",
        "    key: [day, city]\n    columns: { day: date, city: text, amount: 'numeric(18,2)' }\n  city_live",
      ),
      ['48:47: curated.city_day.columns.amount: numeric(18,2) here, numeric(18,4) in output daily/city_day'],
    ],
    [
      'a table from an unknown stage',
      change('from: daily', 'from: dayly'),
      [`44:11: curated.city_day.from: no stage 'dayly' (did you mean 'daily'?)`],
    ],
    [
      'a key that is no column',
      change(
        '    key: [day, city]\n    columns: { day: date, city: text, amount',
        '    key: [day, citi]\n    columns: { day: date, city: text, amount',
      ),
      [`47:16: curated.city_day.key[1]: no column 'citi' (did you mean 'city'?)`],
    ],
    [
      'a topic that no stream writes',
      change('    topic: results.city-live\n    mode', '    topic: results.city-lif\n    mode'),
      [`50:12: curated.city_live.topic: no stream writes topic 'results.city-lif' (did you mean 'results.city-live'?)`],
    ],
    [
      'a check of an unknown table or column',
      change('columns: [day, city] }', 'columns: [day, town] }').replace(
        'freshness: { city_day',
        'freshness: { city_days',
      ),
      [
        `56:35: checks.city_day[0].columns[1]: table 'city_day' has no column 'town' (known: day, city, amount)`,
        `58:14: freshness.city_days: no curated table 'city_days' (did you mean 'city_day'?)`,
      ],
    ],
    [
      'a check that compares an unknown table',
      change('left: city_live', 'left: city_liv'),
      [`57:32: checks.city_day[1].left: no curated table 'city_liv' (did you mean 'city_live'?)`],
    ],
    [
      'a zone that is none',
      change('Europe/Berlin', 'Europe/Berlim'),
      ['4:11: timezone: not a time zone: want a name such as UTC or Europe/Berlin'],
    ],
    [
      'a default outside its bounds',
      change('default: 7,', 'default: 70,'),
      ['8:38: params.history_days.default: 70 is above max 31'],
    ],
    [
      'a name that is not the folder',
      change('name: demo', 'name: demo-2'),
      [`1:7: name: 'demo-2' must be the folder's name 'demo'`],
    ],
    ['a key that stands twice', change('owner: team', 'owner: team\nowner: me'), ['3:1: Map keys must be unique']],
  ];
  for (const [what, text, want] of cases) {
    it(what, async () => assert.deepEqual(await problemsOf(text), want));
  }

  it('text that is no YAML', async () => {
    const [first] = await problemsOf('name: [demo\nowner: x\n');
    assert.match(first ?? '', /^\d+:\d+: /);
    assert.ok((await problemsOf('')).length > 0);
    assert.ok((await problemsOf('- a\n- b\n')).length > 0);
  });

  it('all files together, and tables written twice', async () => {
    const other = SOUND.replace('name: demo', 'name: other');
    const dir = await writePipelines({ demo: change('owner: team', 'ovner: team'), other: other.replace('90m', '90') });
    await assert.rejects(loadPipelines(dir), (error: Error) => {
      assert.match(error.message, /demo\/pipeline\.yaml:2:1: ovner: unknown key/);
      assert.match(error.message, /other\/pipeline\.yaml:34:14: stages\.daily\.timeout: not a duration/);
      return true;
    });
    await assert.rejects(loadPipelines(await writePipelines({ demo: SOUND, other })), (error: Error) => {
      assert.match(error.message, /curated table 'city_day' is written by pipeline 'demo' too/);
      assert.match(error.message, /topic 'results\.city-live' is written by pipeline 'demo' too/);
      return true;
    });
  });
});
