/** Runs by our own book: states, publications, tries and lineage, each exactly as often as it should be. */
import { ofRun, type BookRow } from './book.js';
import type { EndedRun } from './runs.js';
import type { World } from './world.js';

const RUN_STATE: Record<EndedRun['kind'], string> = {
  chain: 'succeeded',
  'user-error': 'failed',
  cancel: 'cancelled',
  terminate: 'cancelled',
};

/** Our own book: state of each run, one success per stage, one publication per run, no try after a user's error. */
export async function judgeRuns(
  { pool, problems }: World,
  runs: readonly EndedRun[],
  book: readonly BookRow[],
): Promise<void> {
  const states = await pool.query<{ workflow_id: string; state: string }>('select workflow_id, state from control.run');
  const ledger = await pool.query<{ partition: string; workflow_id: string }>(
    'select partition::text, workflow_id from control.curated_ledger',
  );
  const results = await pool.query<{ day: string; numbers: string; total: string }>(
    'select business_date::text as day, numbers, total from curated.chaos_totals',
  );
  for (const run of runs) {
    const say = (what: string): void => void problems.push(`${run.workflowId}: ${what}`);
    const state = states.rows.filter(({ workflow_id: id }) => id === run.workflowId).map((row) => row.state);
    // A run that was ended before its first activity is in no book.
    const mayBeUnknown = run.kind === 'terminate' || run.kind === 'cancel';
    if (!(state.length === 0 && mayBeUnknown) && state.join() !== RUN_STATE[run.kind]) {
      say(`recorded as ${state.join() || 'nothing'}, not ${RUN_STATE[run.kind]}`);
    }
    const rows = ofRun(run, book);
    const published = ledger.rows.filter(({ workflow_id: id }) => id === run.workflowId).length;
    if (published !== (run.kind === 'chain' ? 1 : 0)) say(`published ${published} times`);
    if (run.kind === 'chain') {
      for (const stage of ['numbers', 'totals']) {
        const good = rows.filter(({ part, settled }) => part === stage && settled === 'succeeded').length;
        if (good !== 1) say(`${good} submissions of ${stage} succeeded`);
      }
      const result = results.rows.filter(({ day }) => day === run.day);
      if (result.length !== 1 || result[0]?.numbers !== '20' || result[0].total !== '190') {
        say(`curated.chaos_totals holds ${JSON.stringify(result)}`);
      }
    }
    if (run.kind === 'user-error') {
      const last = rows.at(-1);
      const early = rows.slice(0, -1).filter(({ blame }) => blame === 'user').length;
      if (last?.blame !== 'user' || early > 0) {
        say(
          `blames ${rows.map(({ state: ended, blame }) => `${ended} ${blame}`).join(', ')}; want one user's, the last`,
        );
      }
    }
  }
}

/** One START and one end for each run and each submission that is closed. */
export async function judgeLineage({ pool, problems }: World, book: readonly BookRow[]): Promise<void> {
  const { rows } = await pool.query<{ run_id: string; starts: string; ends: string }>(
    `select run_id::text, count(*) filter (where event_type = 'START') as starts,
       count(*) filter (where event_type in ('COMPLETE', 'ABORT', 'FAIL')) as ends
     from control.lineage_outbox group by run_id`,
  );
  const events = new Map(rows.map((row) => [row.run_id, row]));
  const recorded = await pool.query<{ workflow_id: string; lineage: string }>(
    'select workflow_id, lineage_run_id::text as lineage from control.run',
  );
  const wanted = [
    ...recorded.rows.map(({ workflow_id: what, lineage }) => ({ what, lineage, ends: 1 })),
    ...book.map(({ key, owner, lineage, ended }) => ({ what: `${owner} ${key}`, lineage, ends: ended ? 1 : 0 })),
  ];
  for (const { what, lineage, ends } of wanted) {
    const found = events.get(lineage);
    if (found?.starts === '1' && found.ends === String(ends)) continue;
    problems.push(`lineage of ${what}: ${found?.starts ?? 0} START and ${found?.ends ?? 0} ends, want 1 and ${ends}`);
  }
}
