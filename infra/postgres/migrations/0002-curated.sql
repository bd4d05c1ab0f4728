-- Curated results: staging, checks, and the ledger that makes every partition replaceable exactly once.
create schema curated;
create schema staging;
create schema quarantine;
create schema late;

-- What stands in a staging table. Staging itself is unlogged: after a crash of the server it is empty, and the counts
-- here are how a publish notices.
create table control.staging_load (
  staging_table text primary key,
  table_name text not null,
  submission_key text not null,
  workflow_id text not null,
  rows bigint not null,
  loaded_at timestamptz not null default now()
);
create table control.staging_partition (
  staging_table text not null references control.staging_load on delete cascade,
  partition date not null,
  rows bigint not null,
  primary key (staging_table, partition)
);

-- One row per publication of a partition. The newest `published` row describes what stands in the table; `empty` rows say
-- that a run had nothing for the partition.
create table control.curated_ledger (
  table_name text not null,
  partition date not null,
  partition_to date not null,
  version bigint not null,
  state text not null check (state in ('published', 'empty')),
  pipeline text not null,
  workflow_id text not null,
  first_run_id text not null,
  run_id text not null,
  submission_key text not null,
  fence bigint not null,
  rows bigint not null,
  checksum text not null,
  verdict text not null,
  input_snapshot jsonb not null,
  code_hash text not null,
  lineage_run_id uuid not null,
  -- When the submission was decided: work that began earlier may not replace work that began later.
  prepared_at timestamptz,
  at timestamptz not null default clock_timestamp(),
  primary key (table_name, partition, version),
  unique (table_name, submission_key, partition)
);

create table control.quality_result (
  id bigint generated always as identity primary key,
  workflow_id text not null,
  run_id text not null,
  pipeline text not null,
  table_name text not null,
  submission_key text not null,
  -- A day range `from/to` for the whole, or the first day of one partition that is not `pass`.
  partition text not null,
  check_name text not null,
  check_type text not null,
  severity text not null check (severity in ('block', 'warn', 'quarantine')),
  verdict text not null check (verdict in ('pass', 'warn', 'fail', 'error', 'empty')),
  rows bigint not null,
  nulls bigint not null,
  bad bigint not null,
  good bigint not null,
  base text not null,
  samples jsonb not null default '[]',
  message text,
  at timestamptz not null default now()
);
create index quality_result_by_table on control.quality_result (table_name, at desc);
create unique index quality_result_once
  on control.quality_result (run_id, table_name, submission_key, partition, check_name);

-- One row's share of a checksum: 64 bits of md5, summed exactly, so that order does not matter and duplicates count.
create function control.row_hash(row_text text) returns numeric
  language sql immutable strict parallel safe
  return ('x' || substr(md5(row_text), 1, 16))::bit(64)::bigint::numeric;

create function control.table_checksum(hash_sum numeric, row_count bigint) returns text
  language sql immutable parallel safe
  return md5(coalesce(hash_sum, 0)::text || ':' || row_count::text);

-- Publishes one partition in the caller's transaction; see infra/postgres/curated-publish.ts for the fields of `spec`.
-- outcome: published | empty | already (by this submission) | lost (claim) | superseded (by later work).
create function control.publish_partition(
  p_partition date, p_partition_to date, p_claim_from date, p_claim_to date, p_verdict text, spec jsonb,
  out outcome text, out rows bigint, out checksum text
)
  language plpgsql
  set datestyle = 'ISO, YMD'
  set timezone = 'UTC'
as $$
declare
  v_table constant text := spec ->> 'table';
  v_key constant text := spec ->> 'submissionKey';
  v_columns constant text := (
    select string_agg(quote_ident(c), ', ' order by n) from jsonb_array_elements_text(spec -> 'columns') with ordinality t(c, n)
  );
  v_claims bigint;
  v_owned bigint;
  v_version bigint;
  v_expected bigint;
  v_prepared timestamptz;
  v_newest timestamptz;
  v_sum numeric;
begin
  -- Runs of different days may publish the same quarter: one at a time per partition.
  perform pg_advisory_xact_lock(hashtextextended('curated.' || v_table || '/' || p_partition, 0));

  select 'already', l.rows, l.checksum into outcome, rows, checksum
  from control.curated_ledger l
  where l.table_name = v_table and l.submission_key = v_key and l.partition = p_partition;
  if found then
    return;
  end if;
  rows := 0;
  checksum := '';

  -- Held until commit, so that a takeover waits for us or we see it.
  select count(*),
         count(*) filter (where c.held and c.owner_workflow_id = spec ->> 'workflowId'
                            and c.owner_first_run_id = spec ->> 'firstRunId' and c.fence <= (spec ->> 'fence')::bigint)
  into v_claims, v_owned
  from (select * from control.partition_claim
        where pipeline = spec ->> 'pipeline' and day >= p_claim_from and day < p_claim_to
        order by day for share) c;
  if v_claims = 0 or v_owned < v_claims then
    outcome := 'lost';
    return;
  end if;

  select j.intent_at into v_prepared from control.engine_job j where j.key = v_key;
  select coalesce(max(l.version), 0) + 1, max(l.prepared_at) filter (where l.state = 'published')
  into v_version, v_newest
  from control.curated_ledger l
  where l.table_name = v_table and l.partition = p_partition;
  if v_newest > v_prepared then
    outcome := 'superseded';
    return;
  end if;

  if not exists (select from control.staging_load s
                 where s.staging_table = spec ->> 'stagingTable' and s.submission_key = v_key) then
    raise exception 'staging.% is not loaded for this submission', spec ->> 'stagingTable' using errcode = 'SLU01';
  end if;
  select p.rows into v_expected from control.staging_partition p
  where p.staging_table = spec ->> 'stagingTable' and p.partition = p_partition;
  v_expected := coalesce(v_expected, 0);
  outcome := case when v_expected = 0 then 'empty' else 'published' end;

  if v_expected > 0 or (spec ->> 'emptyReplaces')::boolean then
    execute format('delete from curated.%I where %I >= $1 and %I < $2',
                   v_table, spec ->> 'partitionColumn', spec ->> 'partitionColumn')
      using p_partition, p_partition_to;
  end if;
  if v_expected > 0 then
    execute format(
      'with ins as (insert into curated.%I (%s) select %s from staging.%I where _partition = $1 returning %s)
       select count(*), sum(control.row_hash(ins::text)) from ins',
      v_table, v_columns, v_columns, spec ->> 'stagingTable', v_columns)
      into rows, v_sum using p_partition;
    if rows <> v_expected then
      raise exception 'staging.% holds % rows of partition %, % were loaded', spec ->> 'stagingTable', rows, p_partition, v_expected
        using errcode = 'SLU01';
    end if;
  end if;
  checksum := control.table_checksum(v_sum, rows);

  insert into control.curated_ledger (table_name, partition, partition_to, version, state, pipeline, workflow_id, first_run_id,
    run_id, submission_key, fence, rows, checksum, verdict, input_snapshot, code_hash, lineage_run_id, prepared_at)
  values (v_table, p_partition, p_partition_to, v_version, outcome, spec ->> 'pipeline', spec ->> 'workflowId',
    spec ->> 'firstRunId', spec ->> 'runId', v_key, (spec ->> 'fence')::bigint, rows, checksum,
    case outcome when 'empty' then 'empty' else p_verdict end,
    spec -> 'inputSnapshot', spec ->> 'codeHash', (spec ->> 'lineageRunId')::uuid, v_prepared);
end
$$;
