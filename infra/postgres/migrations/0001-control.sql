-- The control plane's own state: who owns what, and what the engines were asked and said.
create schema if not exists control;

create table control.installation (
  only_row boolean primary key default true check (only_row),
  id text not null,
  created_at timestamptz not null default now()
);
insert into control.installation (id) values (substr(replace(gen_random_uuid()::text, '-', ''), 1, 12));

create table control.run (
  workflow_id text not null,
  first_run_id text not null,
  run_id text not null,
  pipeline text not null,
  partition text not null,
  part_from date not null,
  part_to date not null,
  trigger text not null,
  spec_hash text not null,
  params jsonb not null,
  lineage_run_id uuid not null,
  state text not null check (state in ('running', 'succeeded', 'failed', 'cancelled')),
  verdict text,
  message text,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  facts jsonb not null,
  primary key (workflow_id, first_run_id)
);
create index run_by_pipeline on control.run (pipeline, part_from, started_at desc);

-- One writer per (pipeline, day). The fence only ever rises; a released claim keeps it.
create table control.partition_claim (
  pipeline text not null,
  day date not null,
  owner_workflow_id text not null,
  owner_first_run_id text not null,
  fence bigint not null,
  held boolean not null,
  taken_at timestamptz not null default now(),
  primary key (pipeline, day)
);

create table control.cluster (
  name text primary key,
  engine text not null,
  epoch bigint not null default 0,
  heartbeat_at timestamptz,
  reachable boolean not null default true,
  unreachable_since timestamptz,
  message text
);

create table control.engine_job (
  key text primary key,
  tag text not null,
  engine text not null,
  cluster text not null,
  kind text not null check (kind in ('stage', 'stream')),
  pipeline text not null,
  part text not null,
  partition text,
  generation int,
  owner_workflow_id text not null,
  owner_first_run_id text not null,
  submission int not null,
  spec jsonb not null,
  facts jsonb not null,
  lineage_run_id uuid not null,
  engine_job_id text,
  link text,
  state text not null,
  native_state text not null default '',
  reason text,
  blame text,
  out_of_memory boolean,
  restarts int,
  restore_point text,
  progress jsonb,
  observation bigint not null default 0,
  acked_observation bigint not null default 0,
  signalled_at timestamptz,
  signal_attempts int not null default 0,
  ownerless boolean not null default false,
  settled text,
  intent_at timestamptz not null default now(),
  submitted_at timestamptz,
  observed_at timestamptz,
  ended_at timestamptz,
  unique (owner_workflow_id, owner_first_run_id, submission)
);
-- What a watcher reads each interval: not terminal, or not yet acknowledged by its owner.
create index engine_job_watched on control.engine_job (cluster)
  where (ended_at is null or observation > acked_observation) and not ownerless;
