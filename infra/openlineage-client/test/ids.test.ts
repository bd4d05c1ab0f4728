/** Ids are UUIDs, repeat for equal names, and differ when any part differs. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { uuidV5, uuidV7From } from '../src/index.js';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

it('makes version 5 ids that repeat and that tell parts apart', () => {
  const id = uuidV5(DNS, ['a', 'b.c', 1]);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(uuidV5(DNS, ['a', 'b.c', 1]), id);
  for (const other of [
    ['a.b', 'c', 1],
    ['a', 'b.c', 2],
    ['a', 'b.c', '1'],
    ['a', 'b.c'],
  ]) {
    assert.notEqual(uuidV5(DNS, other), id);
  }
  assert.notEqual(uuidV5('6ba7b811-9dad-11d1-80b4-00c04fd430c8', ['a', 'b.c', 1]), id);
  assert.throws(() => uuidV5('nonsense', ['a']), TypeError);
});

it('makes ids in the form of version 7 that sort by time', () => {
  const early = uuidV7From(new Date('2026-02-01T00:00:00Z'), ['z']);
  const late = uuidV7From(new Date('2026-02-01T00:00:00.001Z'), ['a']);
  assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(early < late);
  assert.equal(parseInt(early.replaceAll('-', '').slice(0, 12), 16), Date.parse('2026-02-01T00:00:00Z'));
  assert.equal(uuidV7From(new Date('2026-02-01T00:00:00Z'), ['z']), early);
  assert.throws(() => uuidV7From(new Date('never'), ['a']), RangeError);
});
