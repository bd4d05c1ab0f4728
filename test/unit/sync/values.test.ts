/** What fits a declared column type, and what must not be rounded, cut or guessed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnJudge } from '../../../infra/kafka/topic-sync-values.js';

const good: [string, unknown][] = [
  ['numeric(18,4)', '12345678901234.5678'],
  ['numeric(18,4)', '-0.10000000'],
  ['numeric(9,6)', '0.333333'],
  ['bigint', 5],
  ['bigint', '9223372036854775807'],
  ['bigint', 9007199254740992],
  ['int', -3],
  ['date', '2024-02-29'],
  ['date', '2000-02-29'],
  ['text', 'a whole emoji 😀 and the six characters \\u0000'],
  ['boolean', false],
  ['double', 0.1],
  ['timestamptz', '1997-01-01T00:00:00Z'],
  ['timestamp', '1997-01-01 00:00:00.123456'],
  ['jsonb', { note: ['\\u0000'] }],
];
for (const [type, value] of good) {
  test(`${type} takes ${JSON.stringify(value)}`, () => {
    assert.equal(columnJudge(type).check(value), undefined);
  });
}

const bad: [string, unknown, RegExp][] = [
  ['numeric(18,4)', 12.5, /decimal number as text, got number/],
  ['numeric(18,4)', '1.23456', /more than 4 decimals/],
  ['numeric(18,4)', '123456789012345', /does not fit numeric\(18,4\)/],
  ['numeric(18,4)', '1e3', /decimal number as text/],
  ['bigint', 1.5, /whole number/],
  ['bigint', '9223372036854775808', /out of range/],
  ['int', 3_000_000_000, /out of range/],
  ['date', '2026-02-30', /day like/],
  ['date', '2026-2-1', /day like/],
  ['date', '1900-02-29', /day like/],
  ['date', '1997-13-01', /day like/],
  ['date', '1997-04-31', /day like/],
  ['date', '0000-01-01', /day like/],
  ['text', 'Bad\u0000Ems', /NUL character/],
  ['text', 'half \ud83d', /surrogate/],
  ['text', 7, /must be text, got number/],
  ['boolean', 'true', /true or false/],
  ['timestamptz', '1997-01-01T00:00:00', /lacks its zone/],
  ['timestamp', '1997-01-01T00:00:00Z', /must not name a zone/],
  ['jsonb', { note: ['\ud83d'] }, /surrogate/],
  ['jsonb', { 'a\u0000': 1 }, /NUL/],
];
for (const [type, value, reason] of bad) {
  test(`${type} refuses ${JSON.stringify(value)}`, () => {
    assert.match(columnJudge(type).check(value) ?? '', reason);
  });
}

test('equal values have one spelling', () => {
  const decimal = columnJudge('numeric(18,4)');
  for (const [left, right] of [
    ['1.0', '1.0000'],
    ['007', '7'],
    ['-0.00', '0'],
    ['-01.50', '-1.5'],
  ]) {
    assert.equal(decimal.canonical(left), decimal.canonical(right));
  }
  assert.equal(columnJudge('bigint').canonical(5), columnJudge('bigint').canonical('5'));
});

test('an unknown type is a mistake in the declaration', () => {
  assert.throws(() => columnJudge('money'), { code: 'CONFIG_INVALID' });
});
