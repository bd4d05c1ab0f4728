-- Lineage outbox: events are written in the transaction of the state they describe and delivered later, in order per run.
create schema if not exists control;

create table control.lineage_outbox (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  -- The outermost run; a run without a parent is its own root.
  root_run_id uuid not null,
  event_type text not null check (event_type in ('START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER')),
  event_time timestamptz not null,
  event jsonb not null,
  created_at timestamptz not null default now(),
  -- Tries that ended without delivery; `rejections` are those in which the receiver refused the event itself.
  attempts integer not null default 0,
  rejections integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  delivered_at timestamptz,
  dead_at timestamptz,
  last_error text
);

-- A retried activity writes nothing twice, and a run ends once.
create unique index lineage_outbox_one_start on control.lineage_outbox (run_id) where event_type = 'START';
create unique index lineage_outbox_one_end on control.lineage_outbox (run_id)
  where event_type in ('COMPLETE', 'ABORT', 'FAIL');
create unique index lineage_outbox_one_per_time on control.lineage_outbox (run_id, event_type, event_time);

create index lineage_outbox_run on control.lineage_outbox (run_id, id);
create index lineage_outbox_root on control.lineage_outbox (root_run_id) where event_type = 'START';
create index lineage_outbox_pending on control.lineage_outbox (id) where delivered_at is null and dead_at is null;
create index lineage_outbox_dead on control.lineage_outbox (id) where dead_at is not null;

-- Appends events, given as a JSON array, and returns how many were new.
-- The lock per run is held until the caller commits, so ids of one run rise in commit order and the relay may trust them;
-- runs are locked in a fixed order, so two calls cannot block each other for ever.
-- After a run's last event nothing is appended, and no event is older than the one before it.
create function control.lineage_append(events jsonb) returns integer language plpgsql as $$
declare
  item jsonb;
  item_run uuid;
  item_at timestamptz;
  latest timestamptz;
  ended boolean;
  changed integer;
  added integer := 0;
begin
  perform pg_advisory_xact_lock(720318, hashtext(run.id))
  from (select distinct lower(e -> 'run' ->> 'runId') as id from jsonb_array_elements(events) e order by 1) run;

  for item in select e from jsonb_array_elements(events) with ordinality t (e, position) order by position loop
    item_run := (item -> 'run' ->> 'runId')::uuid;
    item_at := (item ->> 'eventTime')::timestamptz;
    select max(o.event_time), coalesce(bool_or(o.event_type in ('COMPLETE', 'ABORT', 'FAIL')), false)
      into latest, ended
      from control.lineage_outbox o where o.run_id = item_run;
    continue when ended;

    -- Clocks of two workers may differ.
    if latest > item_at and item ->> 'eventType' <> 'START' then
      item_at := latest;
      item := jsonb_set(item, '{eventTime}',
        to_jsonb(to_char(latest at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    end if;

    insert into control.lineage_outbox (run_id, root_run_id, event_type, event_time, event)
    values (
      item_run,
      coalesce(item #>> '{run,facets,parent,root,run,runId}', item #>> '{run,facets,parent,run,runId}',
        item #>> '{run,runId}')::uuid,
      item ->> 'eventType', item_at, item)
    on conflict do nothing;
    get diagnostics changed = row_count;
    added := added + changed;
  end loop;
  return added;
end;
$$;
