/** From record to change: what is one key, what is refused, and which of several changes counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBatch } from '../../../infra/kafka/topic-sync-batch.js';
import { createDecoder, type Decoded, type SourceRecord } from '../../../infra/kafka/topic-sync-decode.js';
import { syncStatements } from '../../../infra/kafka/topic-sync-write.js';

const flat = {
  schema: 'curated',
  table: 'city',
  columns: { day: 'date', city: 'text', sales: 'numeric(18,4)', orders: 'bigint' },
  key: ['day', 'city'],
};
const grouped = {
  schema: 'curated',
  table: 'ranking',
  columns: { country: 'text', employee: 'text', sales: 'numeric(18,4)' },
  key: ['country', 'employee'],
  replaceBy: ['country'],
};

function record(key: unknown, value: unknown, offset = 0): SourceRecord {
  const bytes = (part: unknown): Buffer | null =>
    part === null
      ? null
      : Buffer.isBuffer(part)
        ? part
        : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  return { offset: String(offset), key: bytes(key), value: bytes(value) };
}

const koeln = { day: '2026-02-01', city: 'Köln' };

function reasonOf(decoded: Decoded): string {
  return decoded.kind === 'reject' ? decoded.reason : `not refused: ${decoded.kind}`;
}

test('a record becomes a put with its own text, a null value a delete of its key', () => {
  const decode = createDecoder(flat);
  const text = `{"day":"2026-02-01","city":"Köln","sales":"100.00","orders":9007199254740993}`;
  const put = decode(record(koeln, text));
  assert.deepEqual(put, { kind: 'put', id: '["2026-02-01","Köln"]', text });
  assert.deepEqual(decode(record(koeln, null)), {
    kind: 'delete',
    id: '["2026-02-01","Köln"]',
    text: JSON.stringify(koeln),
  });
});

const refused: [string, SourceRecord, RegExp][] = [
  ['no key', record(null, {}), /has no key/],
  ['bytes that are not UTF-8', record(koeln, Buffer.from([0xff, 0xfe, 0x7b])), /value is not UTF-8/],
  ['text that is not JSON', record(koeln, '{"day":'), /value is not JSON/],
  ['a list', record(koeln, [1]), /not a JSON object/],
  ['a column that is not there', record(koeln, { ...koeln, sales: '1' }), /lacks "orders"/],
  ['a key column that is null', record({ ...koeln, city: null }, null), /"city" is null but belongs to the key/],
  ['a value of another key', record(koeln, { ...koeln, city: 'Bonn', sales: '1', orders: 1 }), /different rows/],
  ['a number for a decimal', record(koeln, { ...koeln, sales: 1.5, orders: 1 }), /"sales" must be a decimal/],
];
for (const [what, bad, reason] of refused) {
  test(`refuses ${what}`, () => {
    assert.match(reasonOf(createDecoder(flat)(bad)), reason);
  });
}

test('null is a value of a column outside the key', () => {
  assert.equal(createDecoder(flat)(record(koeln, { ...koeln, sales: null, orders: null })).kind, 'put');
});

test('of several changes of a key the highest offset counts, wherever it stands', () => {
  const value = (sales: string): unknown => ({ ...koeln, sales, orders: 1 });
  const records = [
    record(koeln, value('100.00'), 5),
    record(koeln, value('120.00'), 7),
    record({ city: 'Köln', day: '2026-02-01' }, value('90.00'), 6),
    record(koeln, value('1.00'), 3),
  ];
  const batch = makeBatch(0, 4n, 8n, records, createDecoder(flat));
  assert.equal(batch.records, 3);
  assert.deepEqual(
    batch.changes.map((change) => change.offset),
    ['7'],
  );
});

test('keys that differ only beyond 2^53 stay apart', () => {
  const decode = createDecoder({ schema: 's', table: 't', columns: { id: 'bigint' }, key: ['id'] });
  const put = (id: string): Decoded => decode(record(`{"id":${id}}`, `{"id":${id}}`));
  const [left, right] = [put('9007199254740993'), put('9007199254740992')];
  assert.ok(left.kind === 'put' && right.kind === 'put' && left.id !== right.id);
});

test('a group must hold only its own rows, each once', () => {
  const decode = createDecoder(grouped);
  const row = (country: string, employee: string): unknown => ({ country, employee, sales: '1.0000' });
  const value = (...rows: unknown[]): SourceRecord => record({ country: 'USA' }, { country: 'USA', rows });
  assert.equal(decode(value(row('USA', '1'), row('USA', '2'))).kind, 'put');
  assert.equal(decode(value()).kind, 'put');
  assert.match(reasonOf(decode(value(row('Mexico', '1')))), /row 0 belongs to another group/);
  assert.match(reasonOf(decode(value(row('USA', '1'), row('USA', '1')))), /row 1 repeats the key/);
  assert.match(reasonOf(decode(record({ country: 'USA' }, { country: 'USA' }))), /no list "rows"/);
});

test('statements are made from checked names only', () => {
  const { put } = syncStatements(flat);
  assert.match(put[0] ?? '', /on conflict \("day", "city"\) do update set "sales" = excluded."sales"/);
  assert.throws(() => syncStatements({ ...flat, table: 'x; drop table y' }), { code: 'CONFIG_INVALID' });
  assert.throws(() => createDecoder({ ...flat, key: ['town'] }), { code: 'CONFIG_INVALID' });
});
