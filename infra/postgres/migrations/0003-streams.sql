-- Result topics into curated tables: positions, who may write them, and records that cannot be used.

-- The newest attempt to copy a topic into a table. It takes a higher fence; every write of an older one is refused.
create table control.sync_owner (
  pipeline text not null,
  table_name text not null,
  topic text not null,
  fence bigint not null,
  started_at timestamptz not null default now(),
  primary key (pipeline, table_name)
);

-- The truth about what has been applied: changed only in the transaction that writes the rows.
create table control.sync_offset (
  pipeline text not null,
  table_name text not null,
  topic text not null,
  partition int not null,
  next_offset bigint not null,
  updated_at timestamptz not null default now(),
  primary key (pipeline, table_name, topic, partition)
);

-- Records that cannot be read or stored, once each, with their bytes, so that nothing is skipped silently.
create table control.rejected (
  pipeline text not null,
  table_name text not null,
  topic text not null,
  partition int not null,
  "offset" bigint not null,
  reason text not null,
  key_bytes bytea,
  -- Null for a record without a value.
  bytes bytea,
  at timestamptz not null default now(),
  primary key (topic, partition, "offset", pipeline, table_name)
);
create index rejected_by_table on control.rejected (table_name, at desc);
