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
    assert.deepEqual(pipeline.stages['daily']?.retry, {
      attempts: 2,
      backoffMs: 5_000,
      maxBackoffMs: 120_000,
      on: ['platform', 'resources'],
      memoryFactor: 1.5,
      memoryCap: 4,
    });
    assert.equal(pipeline.stages['daily']?.timeoutMs, 5_400_000);
    assert.equal(pipeline.stages['daily']?.statusTimeoutMs, 1_800_000);
    const ends = [pipeline.stages['daily'], pipeline.streams['live']].map((one) => [one?.onCancel, one?.onOrphan]);
    assert.deepEqual(ends, [
      ['kill', 'kill'],
      ['kill', 'leave'],
    ]);
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

  it('leaves an orphan alone where a cancel leaves the job alone, unless it says otherwise', async () => {
    const stage = async (line: string) =>
      (await loadPipelines(await writePipelines({ demo: SOUND.replace('timeout: 90m', line) })))[0]?.stages['daily'];
    assert.equal((await stage('onCancel: leave'))?.onOrphan, 'leave');
    assert.equal((await stage('onCancel: leave\n    onOrphan: kill'))?.onOrphan, 'kill');
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
  /** What is wrong, the text, and per problem: the text that the error must point at, and the error. */
  const cases: [string, string, [string, string][]][] = [
    [
      'an unknown key with the nearest known one',
      change('    timeout: 90m', '    timout: 90m'),
      [['timout: 90m', `stages.daily.timout: unknown key 'timout' (did you mean 'timeout'?)`]],
    ],
    [
      'an unknown key at the top',
      change('owner: team', 'owner: team\nstage: {}'),
      [['stage: {}', `stage: unknown key 'stage' (did you mean 'stages'?)`]],
    ],
    [
      'an unknown key of a check, by its type',
      change('{ type: not_null, columns: [day, city] }', '{ type: not_null, column: [day, city] }'),
      [
        ['{ type: not_null', 'checks.city_day[0].columns: missing (expected array)'],
        ['column: [day', `checks.city_day[0].column: unknown key 'column' (did you mean 'columns'?)`],
      ],
    ],
    ['a missing key', change('owner: team\n', ''), [['name: demo', 'owner: missing (expected string)']]],
    [
      'a bad duration',
      change('backoff: 5s', 'backoff: 5 sec'),
      [
        [
          '5 sec',
          `stages.daily.retry.backoff: not a duration: want a whole number and a unit, such as '500ms', '10s', '5m', '36h' or '2d'`,
        ],
      ],
    ],
    [
      'a bad column type',
      change("city: text, amount: 'numeric(18, 4)'", 'city: varchar'),
      [
        [
          'varchar',
          'stages.clean.outputs.cleaned.schema.city: not a column type: want date, text, bigint, int, boolean, timestamptz, timestamp, double, jsonb or numeric(precision,scale) with 1 <= precision <= 38',
        ],
      ],
    ],
    [
      'a bad name',
      change('  live:\n', '  Live_1:\n'),
      [
        [
          'Live_1',
          `streams.Live_1: bad name 'Live_1': want lower-case letters and digits in groups joined by single hyphens`,
        ],
      ],
    ],
    [
      'a job that is neither SQL nor jar',
      change('job: { sql: clean.spark.sql }', 'job: { sqll: clean.spark.sql }'),
      [
        ['job: { sqll', 'stages.clean.job.sql: missing (expected string)'],
        ['sqll', `stages.clean.job.sqll: unknown key 'sqll' (did you mean 'sql'?)`],
      ],
    ],
    [
      'a missing SQL file',
      change('sql: clean.spark.sql', 'sql: cleen.spark.sql'),
      [['cleen', `stages.clean.job.sql: no such file in the pipeline's folder: cleen.spark.sql`]],
    ],
    [
      'an input that nobody writes',
      change('dataset: clean/cleaned', 'dataset: clean/cleand'),
      [
        [
          'clean/cleand',
          `stages.daily.inputs.cleaned.dataset: stage 'clean' has no output 'cleand' (did you mean 'cleaned'?)`,
        ],
      ],
    ],
    [
      'a source that is not declared',
      change('dataset: lake/sales', 'dataset: lake/sale'),
      [['lake/sale', `stages.clean.inputs.sales.dataset: 'sale' is not among the sources (did you mean 'sales'?)`]],
    ],
    [
      'a cycle',
      change('sales: { dataset: lake/sales }', 'sales: { dataset: daily/city_day }'),
      [['clean:\n', 'stages.clean: stages wait for each other: clean -> daily -> clean']],
    ],
    [
      'a stage that waits for an unknown one',
      change('    timeout: 90m', '    after: [klean]'),
      [['klean', `stages.daily.after[0]: no stage 'klean' (did you mean 'clean'?)`]],
    ],
    [
      'a template that names nothing',
      change('{{params.history_days}}', '{{params.history_day}}'),
      [
        [
          `'{{params.history_day}}'`,
          `stages.daily.args.days: nothing is called '{{params.history_day}}' (did you mean 'params.history_days'?)`,
        ],
      ],
    ],
    [
      'columns that differ from the output',
      change(
        "outputs:\n      city_day: { schema: { day: date, city: text, amount: 'numeric(18,4)' } }",
        "outputs:\n      city_day: { schema: { day: date, city: text, amount: 'numeric(18,2)', rank: int } }",
      ),
      [
        [
          `columns: { day: date, city: text, amount: 'numeric(18,4)' }`,
          'curated.city_day.columns: missing rank, which output daily/city_day has',
        ],
        [
          `'numeric(18,4)' }\n  city_live`,
          'curated.city_day.columns.amount: numeric(18,4) here, numeric(18,2) in output daily/city_day',
        ],
      ],
    ],
    [
      'a table from an unknown stage',
      change('from: daily', 'from: dayly'),
      [['dayly', `curated.city_day.from: no stage 'dayly' (did you mean 'daily'?)`]],
    ],
    [
      'a table without an output of its name',
      change('from: daily', 'from: daily/city_dai'),
      [['daily/city_dai', `curated.city_day.from: stage 'daily' has no output 'city_dai' (did you mean 'city_day'?)`]],
    ],
    [
      'a partition column that is no date',
      change('partitionBy: { column: day,', 'partitionBy: { column: city,'),
      [['city, grain', `curated.city_day.partitionBy.column: column 'city' is text, want date`]],
    ],
    [
      'a key that is no column',
      change('grain: day }\n    key: [day, city]', 'grain: day }\n    key: [day, citi]'),
      [['citi', `curated.city_day.key[1]: no column 'citi' (did you mean 'city'?)`]],
    ],
    [
      'a topic that no stream writes',
      change('    topic: results.city-live\n    mode', '    topic: results.city-lif\n    mode'),
      [
        [
          'results.city-lif\n',
          `curated.city_live.topic: no stream writes topic 'results.city-lif' (did you mean 'results.city-live'?)`,
        ],
      ],
    ],
    [
      'a stream whose jar belongs to another engine',
      change('jar: kafka-streams', 'jar: flink'),
      [['flink', `streams.live.job.jar: 'flink' is not the engine 'kafka-streams'`]],
    ],
    [
      'a check of an unknown column, an age of an unknown table',
      change('columns: [day, city] }', 'columns: [day, town] }').replace(
        'freshness: { city_day',
        'freshness: { city_days',
      ),
      [
        ['town', `checks.city_day[0].columns[1]: table 'city_day' has no column 'town' (known: day, city, amount)`],
        ['city_days', `freshness.city_days: no curated table 'city_days' (did you mean 'city_day'?)`],
      ],
    ],
    [
      'a check of an unknown table',
      change('checks:\n  city_day:', 'checks:\n  city_dayz:'),
      [['city_dayz', `checks.city_dayz: no curated table 'city_dayz' (did you mean 'city_day'?)`]],
    ],
    [
      'a check that compares an unknown table',
      change('left: city_live', 'left: city_liv'),
      [['city_liv,', `checks.city_day[1].left: no curated table 'city_liv' (did you mean 'city_live'?)`]],
    ],
    [
      'a zone that is none',
      change('Europe/Berlin', 'Europe/Berlim'),
      [['Europe/Berlim', 'timezone: not a time zone: want a name such as UTC or Europe/Berlin']],
    ],
    [
      'a default outside its bounds',
      change('default: 7,', 'default: 70,'),
      [['70,', 'params.history_days.default: 70 is above max 31']],
    ],
    [
      'a name that is not the folder',
      change('name: demo', 'name: demo-2'),
      [['demo-2', `name: 'demo-2' must be the folder's name 'demo'`]],
    ],
    [
      'a key that stands twice',
      change('owner: team', 'owner: team\nowner: me'),
      [['owner: me', 'Map keys must be unique']],
    ],
    [
      'a channel that cannot be notified',
      `${SOUND}notify: [mail]\n`,
      [['notify:', 'notify: no channel can be notified yet: leave the list empty']],
    ],
  ];
  const place = (text: string, marker: string): string => {
    const at = text.indexOf(marker);
    assert.ok(at >= 0, marker);
    const before = text.slice(0, at).split('\n');
    return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
  };
  for (const [what, text, want] of cases) {
    it(what, async () => {
      const expected = want.map(([marker, message]) => `${place(text, marker)}: ${message}`);
      assert.deepEqual(await problemsOf(text), expected);
    });
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
      assert.match(error.message, /other\/pipeline\.yaml:\d+:14: stages\.daily\.timeout: not a duration/);
      return true;
    });
    await assert.rejects(loadPipelines(await writePipelines({ demo: SOUND, other })), (error: Error) => {
      assert.match(error.message, /curated table 'city_day' is written by pipeline 'demo' too/);
      assert.match(error.message, /topic 'results\.city-live' is written by pipeline 'demo' too/);
      return true;
    });
  });
});
