-- What was loaded into sales.raw and the lake: one source per installation, known by the hash of its content.
create table control.source_load (
  only_row boolean primary key default true check (only_row),
  source text not null,
  content_hash text not null,
  state text not null check (state in ('loading', 'complete')),
  lines bigint,
  days int,
  cities int,
  total numeric(18, 4),
  first_day date,
  -- Last loaded day; freshness is measured against it.
  as_of date,
  lake_files jsonb not null default '[]',
  started_at timestamptz not null default now(),
  finished_at timestamptz
);

-- Days with sales; a day of the loaded range that is not here had none.
create table control.source_day (
  source text not null,
  day date not null,
  lines bigint not null,
  sales numeric(18, 4) not null,
  primary key (source, day)
);

-- Offset after the last record of each partition: a reader that has committed this much has seen everything.
create table control.source_offset (
  source text not null,
  topic text not null,
  partition int not null,
  end_offset bigint not null,
  primary key (source, topic, partition)
);
