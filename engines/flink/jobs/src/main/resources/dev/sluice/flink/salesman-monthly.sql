-- The topics of the monthly salesman job: sales in, two tables of results out.
--
-- Days close by dayClosed records, which are in every partition: the watermark is the event time less one millisecond,
-- per partition, and it is emitted with the very record that causes it.
CREATE TEMPORARY TABLE sales (
  `type` STRING,
  country STRING,
  employee_key STRING,
  salesman STRING,
  amount DECIMAL(18, 4),
  ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${inputs.sales.topic}',
  'properties.bootstrap.servers' = '${kafka.bootstrapServers}',
  'properties.group.id' = '${groupId}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE salesman_monthly (
  `month` DATE,
  country STRING,
  employee_key STRING,
  salesman STRING,
  sales STRING,
  `rank` BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = '${outputs.salesman_monthly.topic}',
  'properties.bootstrap.servers' = '${kafka.bootstrapServers}',
  'key.format' = 'json',
  'key.fields' = 'month;country;employee_key',
  'value.format' = 'json'
);

CREATE TEMPORARY TABLE salesman_overtakes (
  country STRING,
  `day` DATE,
  winner_key STRING,
  loser_key STRING,
  winner_sales STRING,
  loser_sales STRING
) WITH (
  'connector' = 'kafka',
  'topic' = '${outputs.salesman_overtakes.topic}',
  'properties.bootstrap.servers' = '${kafka.bootstrapServers}',
  'key.format' = 'json',
  'key.fields' = 'country;day;winner_key;loser_key',
  'value.format' = 'json'
);
