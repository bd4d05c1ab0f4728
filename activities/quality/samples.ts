/** Fetches the most frequent bad values of all failing row checks in one more scan. */
import { quoteName } from '../../infra/postgres/curated-types.js';
import type { Pool } from '../../infra/postgres/pool.js';
import type { CheckSample } from '../../workflows/contracts/curated.js';
import type { CompiledCheck } from './compile.js';
import { MAX_SAMPLES } from './special.js';
import { readOnly } from './sql.js';

export interface BadValues {
  /** Number of different bad values. */
  kinds: number;
  samples: CheckSample[];
}

/** One entry per check given, all of which must have an `isBad` condition. */
export async function sampleBadValues(
  pool: Pool,
  stagingTable: string,
  checks: readonly CompiledCheck[],
): Promise<BadValues[]> {
  const result: BadValues[] = checks.map(() => ({ kinds: 0, samples: [] }));
  if (checks.length === 0) return result;
  const bad = checks.map(({ rows }) => `((${rows.where}) and (${rows.isBad ?? 'false'}))`);
  const values = checks.map(({ rows }, index) => `(${index}, ${bad[index]}, ${rows.sample})`).join(', ');
  const { rows } = await readOnly(pool, (client) =>
    client.query<{ i: number; value: string | null; n: string; kinds: string }>(
      `select i, value, n, kinds from (
         select v.i, v.value, count(*) as n, count(*) over (partition by v.i) as kinds,
           row_number() over (partition by v.i order by count(*) desc, v.value) as place
         from staging.${quoteName(stagingTable)} cross join lateral (values ${values}) as v(i, bad, value)
         where (${bad.join(' or ')}) and v.bad
         group by v.i, v.value) ranked
       where place <= ${MAX_SAMPLES} order by i, place`,
    ),
  );
  for (const row of rows) {
    const entry = result[row.i];
    if (!entry) continue;
    entry.kinds = Number(row.kinds);
    entry.samples.push({ value: row.value, count: Number(row.n) });
  }
  return result;
}
