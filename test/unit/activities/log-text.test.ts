/** What is kept and shown of a job's log: no credentials, no half lines, within the bytes asked for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastLines, readableLog } from '../../../activities/log-text.js';

describe('the text of a log', () => {
  test('that was not cut stays whole, but for credentials', () => {
    const text = 'ä\njdbc:postgresql://u:pw@db/x\nAuthorization: Bearer abcdefgh\nend';
    assert.equal(readableLog(text, 1_000), 'ä\njdbc:postgresql://***@db/x\nAuthorization: Bearer ***\nend');
    assert.equal(readableLog('', 10), '');
  });

  test('that may have been cut begins with a whole line', () => {
    assert.equal(readableLog('secret-tail\nnext\n', 17), 'next\n');
    // Cut within the two bytes of an ä, which came as a replacement character.
    assert.equal(readableLog('\uFFFDb\nnext\n', 8), 'next\n');
    // Counted in characters by the engine: more bytes than asked for.
    const [text, bytes] = ['äääää\nüüü\n', 10];
    assert.equal(readableLog(text, bytes), 'üüü\n');
  });

  test('that is one long line keeps its end', () => {
    assert.equal(lastLines('0123456789', 4), '6789');
    assert.equal(lastLines('0123456789\n', 4), '789\n');
    assert.equal(lastLines('short', 100), 'short');
    assert.equal(lastLines('one\ntwo\nthree\n', 9), 'three\n');
    assert.equal(lastLines('one\ntwo\nthree\n', 10), 'two\nthree\n');
  });

  test('takes no time that grows with the square of a line', () => {
    const bytes = 256 * 1024;
    for (const piece of ['a-', 'a:', 'password', 'x://', '"', 'secret.']) {
      const startedMs = performance.now();
      readableLog(piece.repeat(bytes / piece.length), bytes);
      assert.ok(performance.now() - startedMs < 2_000, `${piece}: ${performance.now() - startedMs} ms`);
    }
  });
});
