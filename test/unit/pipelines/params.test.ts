/** Run parameters and the templates that use them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSluiceError } from '../../../infra/errors.js';
import { resolveParams } from '../../../pipelines/params.js';
import type { ParamSpec } from '../../../pipelines/schema.js';
import { fillArgs } from '../../../pipelines/templates.js';

const SPECS: Record<string, ParamSpec> = {
  history_days: { type: 'int', default: 7, min: 1, max: 31 },
  ratio: { type: 'number', default: 0.5 },
  mode: { type: 'string', default: 'full', enum: ['full', 'fast'] },
  dry: { type: 'boolean', default: false },
  since: { type: 'date', default: '1998-01-01', max: '2020-12-31' },
};

describe('params', () => {
  it('fills in defaults and keeps types', () => {
    assert.deepEqual(resolveParams(SPECS, undefined), {
      history_days: 7,
      ratio: 0.5,
      mode: 'full',
      dry: false,
      since: '1998-01-01',
    });
    assert.equal(resolveParams(SPECS, { history_days: 31 })['history_days'], 31);
    assert.deepEqual(resolveParams({}, {}), {});
  });

  const refused: [unknown, RegExp][] = [
    [
      { histry_days: 3 },
      /unknown parameter 'histry_days' \(did you mean 'history_days'\? known: history_days, ratio, mode, dry, since\)/,
    ],
    [{ constructor: 1 }, /unknown parameter 'constructor'/],
    [{ history_days: '7' }, /'history_days' is "7": want a whole number/],
    [{ history_days: 7.5 }, /want a whole number/],
    [{ history_days: 0 }, /want at least 1/],
    [{ history_days: 32 }, /want at most 31/],
    [{ mode: 'slow' }, /want one of full, fast/],
    [{ dry: 'true' }, /want true or false/],
    [{ since: '1998-02-30' }, /want a day such as 1998-03-14/],
    [{ since: '2021-01-01' }, /want at most 2020-12-31/],
    [{ ratio: null }, /'ratio' is null: want a number/],
    [[], /params must be an object/],
    ['x', /params must be an object/],
    [null, /params must be an object/],
    [{ history_days: 0, mode: 1, other: 2 }, /other.*history_days.*mode/s],
  ];
  for (const [given, pattern] of refused) {
    it(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(
        () => resolveParams(SPECS, given),
        (error: unknown) => isSluiceError(error, 'INVALID_REQUEST') && pattern.test(error.message),
      ));
  }

  it('a parameter without default must be given; a pipeline without parameters says so', () => {
    assert.throws(() => resolveParams({ day: { type: 'date' } }, {}), /parameter 'day' must be given/);
    assert.throws(() => resolveParams({}, { x: 1 }), /this pipeline takes none/);
  });
});

describe('templates', () => {
  const values = { partition: { from: '1998-03-14', to: '1998-03-15' }, params: { days: 7, name: "O'Neil" } };

  it('keeps the type of a value that stands alone', () => {
    assert.deepEqual(
      fillArgs(
        { a: '{{params.days}}', b: '{{ partition.from }}..{{partition.to}}', c: 3, d: 'n={{params.name}}' },
        values,
      ),
      { a: 7, b: '1998-03-14..1998-03-15', c: 3, d: "n=O'Neil" },
    );
  });

  it('refuses what nothing is called', () => {
    assert.throws(
      () => fillArgs({ a: '{{params.day}}' }, values),
      /argument a: nothing is called 'params.day' \(did you mean 'params.days'\?\)/,
    );
    assert.throws(() => fillArgs({ a: '{{partition.from}}' }, { params: {} }), /nothing is called 'partition.from'/);
  });

  it('a value that looks like a template is not filled in again', () => {
    assert.deepEqual(fillArgs({ a: 'x{{params.x}}' }, { params: { x: '{{params.x}}' } }), { a: 'x{{params.x}}' });
  });
});
