/** Which file columns fit a declared column without a change of value, and which names are usable. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeSpec } from '../../../infra/postgres/curated-tables.js';
import { postgresType, quoteName } from '../../../infra/postgres/curated-types.js';
import { stagingName } from '../../../infra/postgres/staging-load.js';
import { fitsExactly } from '../../../infra/postgres/staging-parquet.js';

describe('column types', () => {
  it('takes only what is exact', () => {
    const cases: [string, string, boolean][] = [
      ['numeric(18,4)', 'DECIMAL(18,4)', true],
      ['numeric(18,4)', 'DECIMAL(38,2)', true],
      ['numeric(18,4)', 'DECIMAL(18,5)', false],
      ['numeric(18,4)', 'DOUBLE', false],
      ['numeric(18,4)', 'BIGINT', true],
      ['bigint', 'INTEGER', true],
      ['bigint', 'DOUBLE', false],
      ['date', 'TIMESTAMP', false],
      ['date', 'DATE', true],
      ['text', 'VARCHAR', true],
      ['text', 'BLOB', false],
      ['timestamptz', 'TIMESTAMP', false],
      ['timestamp', 'TIMESTAMP_NS', true],
    ];
    for (const [declared, file, fits] of cases)
      assert.equal(fitsExactly(declared, file), fits, `${file} -> ${declared}`);
  });

  it('prints types as Postgres does', () => {
    assert.equal(postgresType('numeric( 18, 4 )'), 'numeric(18,4)');
    assert.equal(postgresType('timestamptz'), 'timestamp with time zone');
    for (const type of ['float', 'numeric', 'text; drop', 'constructor']) {
      assert.throws(() => postgresType(type), { code: 'CONFIG_INVALID' });
    }
  });

  it('refuses strange names', () => {
    assert.equal(quoteName('city_sales'), '"city_sales"');
    for (const name of ['', 'City', 'a"b', 'x'.repeat(64)])
      assert.throws(() => quoteName(name), { code: 'CONFIG_INVALID' });
  });

  it('keeps staging names apart for long table names', () => {
    const table = 'a'.repeat(63);
    assert.notEqual(stagingName(table, '0'.repeat(32)), stagingName(table, '1'.repeat(32)));
    assert.ok(stagingName(table, '0'.repeat(32)).length <= 63);
  });

  it('refuses a table whose key is not among its columns', () => {
    assert.throws(
      () => describeSpec({ table: 't', columns: { a: 'text' }, key: ['b'] }),
      /"b" is not among its columns/,
    );
    assert.throws(() => describeSpec({ table: 't', columns: { a: 'text' }, key: [] }), /has no key/);
  });
});
