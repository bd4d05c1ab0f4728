/** Credentials go, what a reader needs stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact } from '../../../activities/lineage/redact.js';

describe('redact', () => {
  for (const text of [
    'postgres://loader:CANARY@db/x',
    'postgres://loader:p@CANARY@db/x',
    's3a://AKIA:CAN/CANARY@lake/x',
    'https://CANARY@host/path',
    'password=CANARY sslmode=require',
    "PASSWORD = 'CANARY two'",
    '{"password":"CANARY","user":"u"}',
    'fs.s3a.secret.key=CANARY',
    'AWS_SECRET_ACCESS_KEY=CANARY',
    'aws_access_key_id: CANARY',
    'Authorization: Bearer CANARYCANARY.x.y',
    'GET /x?X-Amz-Signature=CANARY&X-Amz-Expires=1',
    'access_token=CANARY',
    'apiKey: CANARY',
  ]) {
    it(`masks ${text.slice(0, 24)}…`, () => {
      assert.doesNotMatch(redact(text), /CANARY/);
    });
  }

  it('leaves ordinary messages alone', () => {
    for (const text of [
      'Unexpected token: } at line 3',
      'job 1f2e failed at http://127.0.0.1:8081/jobs/1f2e',
      "relation 'curated.secretary' has 12 rows",
      'mail ops@example.test',
    ]) {
      assert.equal(redact(text), text);
    }
  });

  it('bounds the length, and quickly', () => {
    const started = performance.now();
    const cut = redact('x://'.repeat(2_000_000), 100);
    assert.ok(cut.length < 200);
    assert.match(cut, /8000000 characters/);
    redact('a:'.repeat(100_000) + '@', 200_000);
    assert.ok(performance.now() - started < 2_000);
  });
});
