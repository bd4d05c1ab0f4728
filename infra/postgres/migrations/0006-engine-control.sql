-- Engine control: logs that outlive the engine's memory, and orphans found by reconcile.
alter table control.engine_job
  add column log_url text,
  add column log_tries int not null default 0,
  add column log_kept_at timestamptz,
  add column orphan_since timestamptz,
  add column orphan_passes int not null default 0;

-- What ended before logs were kept is not asked for now: most engines have forgotten it.
update control.engine_job set log_kept_at = ended_at where ended_at is not null;

create index engine_job_log_wanted on control.engine_job (cluster, ended_at)
  where ended_at is not null and log_kept_at is null and submitted_at is not null;

-- What reconcile reads in each pass.
create index engine_job_open on control.engine_job (cluster) where ended_at is null or settled is null;
create index engine_job_by_owner on control.engine_job (owner_workflow_id, intent_at desc);

-- What the last pass over a cluster found and did.
create table control.reconcile_report (
  cluster text primary key,
  report jsonb not null,
  at timestamptz not null default now()
);
