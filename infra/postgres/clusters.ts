/** One row per engine cluster: who watches it (epoch), when it last answered, since when it does not. */
import type { Pool } from './pool.js';
import { storableText } from './storable-text.js';

/** Registers a new watcher: every older one loses the right to write. Returns the new epoch. */
export async function takeWatch(pool: Pool, cluster: string, engine: string): Promise<number> {
  const { rows } = await pool.query<{ epoch: string }>(
    `insert into control.cluster (name, engine, epoch, heartbeat_at) values ($1, $2, 1, now())
     on conflict (name) do update set epoch = control.cluster.epoch + 1, engine = excluded.engine, heartbeat_at = now()
     returning epoch`,
    [cluster, engine],
  );
  return Number(rows[0]?.epoch);
}

export type ClusterAnswer = { reachable: true } | { reachable: false; message: string };

export interface Beat {
  /** RFC 3339; null while the cluster answers. Outlives the watcher that saw it first. */
  unreachableSince: string | null;
}

/** Undefined when a newer watcher took over. Without an answer (nothing was asked) only the watcher's own life is noted. */
export async function beatWatch(
  pool: Pool,
  cluster: string,
  epoch: number,
  answer?: ClusterAnswer,
): Promise<Beat | undefined> {
  const since = 'returning unreachable_since as "unreachableSince"';
  const { rows } =
    answer === undefined
      ? await pool.query<Beat>(
          `update control.cluster set heartbeat_at = now() where name = $1 and epoch = $2 ${since}`,
          [cluster, epoch],
        )
      : await pool.query<Beat>(
          `update control.cluster set heartbeat_at = now(), reachable = $3,
             unreachable_since = case when $3 then null else coalesce(unreachable_since, now()) end, message = $4
           where name = $1 and epoch = $2 ${since}`,
          [cluster, epoch, answer.reachable, answer.reachable ? null : storableText(answer.message)],
        );
  return rows[0];
}

export interface ClusterRow {
  name: string;
  engine: string;
  heartbeat_at: string | null;
  reachable: boolean;
  unreachable_since: string | null;
  message: string | null;
}

export async function listClusters(pool: Pool): Promise<ClusterRow[]> {
  const { rows } = await pool.query<ClusterRow>(
    'select name, engine, heartbeat_at, reachable, unreachable_since, message from control.cluster order by name',
  );
  return rows;
}
