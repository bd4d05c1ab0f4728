-- Sales per city over 7-day windows that slide by one day, ranked within each window.
--
-- Days close by dayClosed records, which are in every partition: the watermark is the record's time less one millisecond,
-- per partition, without delay and without idleness. The connector sends it with the very record that causes it and keeps
-- it in the checkpoint, so a committed offset means that all windows it closes are in the result topic.
CREATE TEMPORARY TABLE sales (
  `type` STRING,
  country STRING,
  state STRING,
  city STRING,
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

-- Every window is written once, when it closes, so plain keyed records do: the planner refuses this sink should the query
-- ever come to update its rows. Sales is text because JSON numbers lose cents in many readers.
CREATE TEMPORARY TABLE city_sales_sliding (
  window_start DATE,
  window_end DATE,
  country STRING,
  state STRING,
  city STRING,
  sales STRING,
  `rank` BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = '${outputs.city_sales_sliding.topic}',
  'properties.bootstrap.servers' = '${kafka.bootstrapServers}',
  'key.format' = 'json',
  'key.fields' = 'window_start;window_end;country;state;city',
  'value.format' = 'json'
);

CREATE TEMPORARY VIEW city_windows AS
SELECT window_start, window_end, country, state, city, SUM(amount) AS sales
FROM TABLE(HOP(
  DATA => (SELECT * FROM sales WHERE `type` = 'sale'),
  TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '1' DAY, SIZE => INTERVAL '7' DAYS))
GROUP BY window_start, window_end, country, state, city;

-- Streaming SQL has no RANK. The place of a city among the sums of its window is a row number, different for equal sums;
-- the lowest place of a sum is its rank (1, 2, 2, 4).
CREATE TEMPORARY VIEW city_places AS
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY sales DESC) AS place
  FROM city_windows)
WHERE place <= 2147483647;

CREATE TEMPORARY VIEW sum_ranks AS
SELECT window_start, window_end, sales, MIN(place) AS `rank`
FROM city_places
GROUP BY window_start, window_end, sales;

INSERT INTO city_sales_sliding
SELECT
  CAST(c.window_start AS DATE), CAST(c.window_end AS DATE), c.country, c.state, c.city, CAST(c.sales AS STRING), r.`rank`
FROM city_windows c
JOIN sum_ranks r ON c.window_start = r.window_start AND c.window_end = r.window_end AND c.sales = r.sales;
