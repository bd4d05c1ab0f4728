/** The declared form of checks: what is accepted, what is refused, and how a check is named. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkName, checkSchema } from '../../../pipelines/checks.js';
import { compileCheck } from '../../../activities/quality/compile.js';
import { withDays } from '../../../activities/quality/sql.js';

const refused = (check: unknown, message: RegExp): void => {
  const result = checkSchema.safeParse(check);
  assert.ok(!result.success);
  assert.match(JSON.stringify(result.error.issues), message);
};

describe('checkSchema', () => {
  it('blocks unless told otherwise and allows no bad row', () => {
    const check = checkSchema.parse({ type: 'range', column: 'sales', min: 0 });
    assert.deepEqual(check, { type: 'range', column: 'sales', min: 0, severity: 'block', countNulls: false });
    assert.equal(checkName(check), 'range(sales)');
  });

  it('refuses half a check and says what is missing', () => {
    refused({ type: 'range', column: 'sales' }, /needs min or max/);
    refused({ type: 'sum_matches', column: 'sales' }, /needs expected or sql/);
    refused({ type: 'sql', expression: 'true', query: 'select 1' }, /not both/);
    refused({ type: 'reconcile', left: 'a', keys: ['k'], values: ['v'] }, /needs right or rightSql/);
    refused({ type: 'not_null', columns: [] }, /too_small/i);
    refused({ type: 'not_null', columns: ['a'], sevrity: 'warn' }, /sevrity/);
    refused({ type: 'not_null', columns: ['a'], severity: 'quarantine' }, /quarantine is not available yet/);
    refused({ type: 'nonsense' }, /type/);
    refused({ type: 'regex', column: 'a; drop table b', pattern: 'x' }, /lower-case column/);
  });

  it('names checks by what they look at', () => {
    const name = (check: unknown): string => checkName(checkSchema.parse(check));
    assert.equal(name({ type: 'unique', columns: ['a', 'b'] }), 'unique(a, b)');
    assert.equal(name({ type: 'row_count', min: 1 }), 'row_count');
    assert.equal(name({ type: 'sql', expression: 'a\n  > b' }), 'sql(a > b)');
    assert.equal(name({ type: 'reconcile', left: 'a', right: 'b', keys: ['k'], values: ['v'] }), 'reconcile(a = b)');
    assert.equal(name({ type: 'row_count', min: 1, name: 'enough' }), 'enough');
  });
});

describe('compileCheck', () => {
  const target = { columns: { city: 'text', sales: 'numeric(18,4)', flag: 'boolean' }, key: ['city'] };
  const bad = (check: unknown): string | undefined => {
    const parsed = checkSchema.parse(check);
    assert.ok(parsed.type !== 'reconcile');
    return compileCheck(parsed, target).rows.isBad;
  };

  it('compares bounds and values in the type of the column, unrounded', () => {
    assert.equal(
      bad({ type: 'range', column: 'sales', min: 0, max: '0.12345' }),
      `"sales" < '0'::numeric or "sales" > '0.12345'::numeric or "sales" = 'NaN'`,
    );
    assert.equal(
      bad({ type: 'accepted_values', column: 'city', values: ["O'Hare"] }),
      `"city" not in ('O''Hare'::text)`,
    );
    assert.equal(bad({ type: 'accepted_values', column: 'flag', values: [true] }), `"flag" not in ('true'::boolean)`);
  });

  it('says which column does not exist', () => {
    assert.throws(
      () => bad({ type: 'length', column: 'town', max: 3 }),
      /no such column "town" \(columns: city, sales, flag\)/,
    );
  });
});

describe('withDays', () => {
  it('puts dates in place of the markers and leaves casts alone', () => {
    const range = { from: '1997-01-01', to: '1997-01-02' };
    assert.equal(
      withDays('d >= :partition_from and d < :partition_to::date and x::partition_to', range),
      "d >= date '1997-01-01' and d < date '1997-01-02'::date and x::partition_to",
    );
  });
});
