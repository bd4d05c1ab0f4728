/** The book under test: what Postgres says of submissions and runs, read without the product's own code. */
import { waitFor } from '../../infra/local/index.js';
import type { EndedRun } from './runs.js';
import type { World } from './world.js';

export interface BookRow {
  key: string;
  tag: string;
  engine: string;
  kind: string;
  part: string;
  owner: string;
  submission: number;
  state: string;
  native: string;
  reason: string | null;
  blame: string | null;
  settled: string | null;
  ended: boolean;
  lineage: string;
  prefix: string | null;
}

/** Reconcile comes round by schedule; what it has to do is done when nothing but the streams is open. */
export async function booksClose({ pool, problems }: World): Promise<void> {
  let open: string[] = [];
  const closed = await waitFor(
    async () => {
      const { rows } = await pool.query<{ what: string }>(
        `select 'job ' || key || ' (' || owner_workflow_id || ', ' || state || ')' as what
           from control.engine_job where kind = 'stage' and (ended_at is null or settled is null)
         union all select 'run ' || workflow_id from control.run where state = 'running'`,
      );
      open = rows.map(({ what }) => what);
      return open.length === 0;
    },
    180_000,
    1_000,
  );
  if (!closed) problems.push(...open.map((what) => `still open in the book: ${what}`));
}

export async function readBook({ pool }: World): Promise<BookRow[]> {
  const { rows } = await pool.query<BookRow>(
    `select key, tag, engine, kind, part, owner_workflow_id as owner, submission, state,
       native_state as native, reason, blame, settled,
       ended_at is not null as ended, lineage_run_id::text as lineage, spec ->> 'outputPrefix' as prefix
     from control.engine_job order by intent_at`,
  );
  return rows;
}

export const bookEntry = (row: BookRow): string =>
  `submission ${row.submission} of ${row.owner}: ${row.state}, settled ${row.settled ?? 'not'} (${row.native}: ${row.reason ?? 'no reason'})`;

export const ofRun = (run: EndedRun, book: readonly BookRow[]): BookRow[] =>
  book.filter(({ owner }) => owner.startsWith(`${run.workflowId}/`));
