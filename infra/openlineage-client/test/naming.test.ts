/** Every spelling of a dataset's address gives the one name, and none gives away a credential. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kafkaTopic, postgresTable, postgresTableFromUrl, s3Object } from '../src/index.js';

const CURATED = { namespace: 'postgres://db.example.test:5432', name: 'curated.public.top_sales_city' };

describe('Postgres tables', () => {
  for (const url of [
    'postgres://loader:s3cr3t@DB.example.test/curated?sslmode=require',
    'postgresql://reader@db.example.test:5432/curated',
    'postgres://db.example.test/curated?user=x&password=s3cr3t',
  ]) {
    it(`names the table of ${new URL(url).protocol}//…${new URL(url).search} alike`, () => {
      assert.deepEqual(postgresTableFromUrl(url, 'public.top_sales_city'), CURATED);
      assert.deepEqual(postgresTableFromUrl(url, 'top_sales_city'), CURATED);
    });
  }

  it('takes parts, other ports and IPv6', () => {
    const parts = { host: 'DB.example.test', database: 'curated', table: 'top_sales_city' };
    assert.deepEqual(postgresTable(parts), CURATED);
    assert.equal(postgresTableFromUrl('postgres://u:p@[::1]:6432/d', 't').namespace, 'postgres://[::1]:6432');
    assert.equal(postgresTableFromUrl('postgres:///d', 't').namespace, 'postgres://localhost:5432');
    assert.equal(postgresTableFromUrl('postgres://h/my%20db', 't').name, 'my db.public.t');
  });

  it('never repeats a bad address, not even in properties of the error', () => {
    for (const bad of ['postgres://u:s3cr3t@h:x/d', 'mysql://u:s3cr3t@h/d', 'postgres://u:1s3cr3t#@h/d', 's3cr3t']) {
      assert.throws(
        () => postgresTableFromUrl(bad, 't'),
        (error: Error) => {
          const all = [
            error.message,
            String(error.stack),
            JSON.stringify(Object.getOwnPropertyDescriptors(error)),
          ].join();
          return !all.includes('s3cr3t') && error.cause === undefined;
        },
      );
    }
  });
});

describe('Kafka topics', () => {
  it('uses the first broker, its default port and no protocol', () => {
    assert.deepEqual(kafkaTopic('Broker-1.test:9093,broker-2.test:9093', 'sales.raw'), {
      namespace: 'kafka://broker-1.test:9093',
      name: 'sales.raw',
    });
    assert.equal(kafkaTopic('SASL_SSL://b.test', 't').namespace, 'kafka://b.test:9092');
    assert.equal(kafkaTopic('[::1]:9092', 't').namespace, 'kafka://[::1]:9092');
  });

  it('refuses addresses with credentials', () => {
    assert.throws(
      () => kafkaTopic('user:s3cr3t@b:9092', 't'),
      (error: Error) => !error.message.includes('s3cr3t'),
    );
  });
});

describe('S3 objects', () => {
  it('treats the three schemes and slashes at the ends alike', () => {
    const expected = { namespace: 's3://lake', name: 'sales/month=1997-01' };
    for (const location of [
      's3://lake/sales/month=1997-01/',
      's3a://lake/sales/month=1997-01',
      's3n://lake//sales/month=1997-01',
    ]) {
      assert.deepEqual(s3Object(location), expected);
    }
    assert.deepEqual(s3Object('s3://lake'), { namespace: 's3://lake', name: '/' });
  });

  it('refuses credentials and queries', () => {
    for (const bad of ['s3a://key:s3cr3t@lake/x', 's3://lake/x?X-Amz-Signature=s3cr3t', 'https://lake/x']) {
      assert.throws(
        () => s3Object(bad),
        (error: Error) => !error.message.includes('s3cr3t'),
      );
    }
  });
});
