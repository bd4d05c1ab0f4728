-- The topics of the monthly salesman job: sales in, two tables of results out.
--
-- Days close by dayClosed records, which are in every partition: the watermark is the record's time less one millisecond,
-- per partition, sent with the very record that causes it and kept in the checkpoint.
CREATE TEMPORARY TABLE sales (
  `type` STRING,
  country STRING,
  employee_key STRING,
  salesman STRING,
  amount DECIMAL(18, 4),
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR ts AS SOURCE_WATERMARK()
) WITH (
  'connector' = 'kafka-event-time',
  'topic' = '${inputs.sales.topic}',
  'properties.bootstrap.servers' = '${kafka.bootstrapServers}',
  'properties.group.id' = '${groupId}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
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
