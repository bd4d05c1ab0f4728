/** Job specs for tests of engine adapters. */
import type { EngineName, JobSpec } from '../../engines/port.js';

export function testSpec(engine: EngineName, key: string, more: Partial<JobSpec> = {}): JobSpec {
  const tag = `sluice:test:${key}`;
  const name = `contract/${engine}`;
  return {
    engine,
    cluster: 'test',
    name,
    tag,
    module: engine,
    mainClass: 'dev.sluice.test.Long',
    document: { key, tag, name },
    resources: {},
    intentAtMs: Date.now(),
    ...more,
  };
}
