/** The small parts of declarations: names, durations, types, order of stages, hashes, builder and editor schema. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { definePipeline } from '../../../pipelines/builder.js';
import { topologicalLevels } from '../../../pipelines/dag.js';
import { canonicalJson, contentHash } from '../../../pipelines/hash.js';
import { SCHEMA_FILES, schemaText } from '../../../pipelines/json-schema.js';
import { loadPipelines } from '../../../pipelines/load.js';
import { editDistance, nearest } from '../../../pipelines/nearest.js';
import type { PipelineDeclaration } from '../../../pipelines/schema.js';
import { listSources } from '../../../pipelines/source.js';
import { isDay, nameSchema, parseColumnType, parseDuration, snakeSchema } from '../../../pipelines/values.js';
import { PIPELINES_DIR } from '../../support/canonical-sales.js';
import { SOUND, writePipelines } from './declared-files.js';

describe('values', () => {
  it('durations', () => {
    const read = ['500ms', '10s', '5m', '36h', '2d', '0s'].map(parseDuration);
    assert.deepEqual(read, [500, 10_000, 300_000, 129_600_000, 172_800_000, 0]);
    for (const text of ['', '10', 's', '1.5h', '-1s', '1 h', '10S', '1w', '9999999999s'])
      assert.equal(parseDuration(text), undefined);
  });

  it('column types', () => {
    assert.deepEqual(parseColumnType('numeric(18, 4)'), { kind: 'numeric', precision: 18, scale: 4 });
    assert.deepEqual(parseColumnType('date'), { kind: 'date' });
    for (const text of ['numeric', 'numeric(0,0)', 'numeric(39,1)', 'numeric(4,5)', 'varchar', 'Date', 'text; drop']) {
      assert.equal(parseColumnType(text), undefined, text);
    }
  });

  it('names and days', () => {
    for (const name of ['a', 'top-sales-per-city', 'x1-2']) assert.ok(nameSchema.safeParse(name).success, name);
    for (const name of ['', 'A', 'a_b', 'a--b', '-a', 'a-', 'a/b', '..', 'a'.repeat(61)])
      assert.ok(!nameSchema.safeParse(name).success, name);
    for (const name of ['1a', 'a-b', 'A', '', 'a b']) assert.ok(!snakeSchema.safeParse(name).success, name);
    for (const day of ['1998-03-14', '2000-02-29', '0001-01-01']) assert.ok(isDay(day), day);
    for (const day of ['1998-02-29', '0000-01-01', '1998-1-1', '1998-04-31', '99998-01-01'])
      assert.ok(!isDay(day), day);
  });

  it('the nearest name', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('ab', 'ba'), 1);
    assert.equal(nearest('timout', ['timeout', 'startTimeout']), 'timeout');
    assert.equal(nearest('outptus', ['inputs', 'outputs']), 'outputs');
    assert.equal(nearest('completely-else', ['inputs', 'outputs']), undefined);
    assert.equal(nearest('x'.repeat(1_000_000), ['x']), undefined);
  });
});

describe('order of stages', () => {
  const node = (name: string, ...dependsOn: string[]) => ({ name, dependsOn });

  it('levels hold what may run together', () => {
    const result = topologicalLevels([node('d', 'b', 'c'), node('b', 'a'), node('c', 'a'), node('a'), node('e')]);
    assert.deepEqual(result, { ok: true, levels: [['a', 'e'], ['b', 'c'], ['d']] });
    assert.deepEqual(topologicalLevels([]), { ok: true, levels: [] });
  });

  it('a cycle is named, also when others hang on it', () => {
    assert.deepEqual(topologicalLevels([node('a', 'a')]), { ok: false, cycle: ['a', 'a'] });
    const result = topologicalLevels([node('a', 'c'), node('b', 'a'), node('c', 'b'), node('z', 'a'), node('y')]);
    assert.ok(!result.ok);
    assert.equal(result.cycle.length, 4);
    assert.equal(result.cycle[0], result.cycle[3]);
  });
});

describe('content hash', () => {
  it('does not depend on the order of keys, and does on that of lists', () => {
    assert.equal(
      canonicalJson({ b: 1, a: [2, { d: null, c: 'x' }], e: undefined }),
      '{"a":[2,{"c":"x","d":null}],"b":1}',
    );
    assert.equal(contentHash({ a: 1, b: 2 }), contentHash({ b: 2, a: 1 }));
    assert.notEqual(contentHash([1, 2]), contentHash([2, 1]));
  });
});

describe('builder', () => {
  it('gives the object that the file gives', async () => {
    const [loaded] = await loadPipelines(await writePipelines({ demo: SOUND }));
    const built = definePipeline(parse(SOUND) as PipelineDeclaration, { sql: { 'clean.spark.sql': 'select 1;\n' } });
    assert.deepEqual(built, loaded);
  });

  it('names what is wrong by key path', () => {
    const declaration = { ...(parse(SOUND) as PipelineDeclaration), freshness: { city_days: '1h' } };
    assert.throws(
      () => definePipeline(declaration),
      (error: Error) => {
        assert.match(error.message, /freshness\.city_days: no curated table 'city_days' \(did you mean 'city_day'\?\)/);
        assert.match(error.message, /stages\.clean\.job\.sql: no such file/);
        return true;
      },
    );
  });
});

describe('schema for editors', () => {
  for (const file of Object.keys(SCHEMA_FILES) as (keyof typeof SCHEMA_FILES)[]) {
    it(`${file} is current (else run: node --import tsx pipelines/json-schema.ts)`, async () => {
      assert.deepEqual(JSON.parse(await readFile(join(PIPELINES_DIR, file), 'utf8')), JSON.parse(schemaText(file)));
    });
  }

  it('takes the declared files and refuses unknown keys', async () => {
    const validator = (file: keyof typeof SCHEMA_FILES) =>
      new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(schemaText(file)) as object);
    const pipeline = validator('pipeline.schema.json');
    for (const name of ['top-sales-per-city', 'top-salesman-in-country']) {
      const text = await readFile(join(PIPELINES_DIR, name, 'pipeline.yaml'), 'utf8');
      assert.match(text, /^# yaml-language-server: \$schema=\.\.\/pipeline\.schema\.json\n/);
      assert.ok(pipeline(parse(text)), JSON.stringify(pipeline.errors));
    }
    assert.ok(!pipeline({ ...(parse(SOUND) as object), stage: {} }));
    const source = validator('source.schema.json');
    for (const name of await listSources(PIPELINES_DIR)) {
      const text = await readFile(join(PIPELINES_DIR, 'sources', name, 'source.yaml'), 'utf8');
      assert.match(text, /^# yaml-language-server: \$schema=\.\.\/\.\.\/source\.schema\.json\n/);
      assert.ok(source(parse(text)), JSON.stringify(source.errors));
    }
  });
});
