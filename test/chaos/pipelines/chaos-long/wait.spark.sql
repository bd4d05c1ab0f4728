-- Half an hour in steps of a second.
CREATE OR REPLACE TEMPORARY VIEW waits AS
SELECT
  :partition_from AS business_date,
  id AS number,
  java_method('java.lang.Thread', 'sleep', CAST(1000 AS BIGINT)) AS slept
FROM RANGE(0, 1800, 1, 1);
