-- Twenty numbers, one each 150 ms, so that faults find the job at work without keeping a processor busy.
CREATE OR REPLACE TEMPORARY VIEW numbers AS
SELECT
  :partition_from AS business_date,
  id AS number,
  java_method('java.lang.Thread', 'sleep', CAST(150 AS BIGINT)) AS slept
FROM RANGE(0, 20, 1, 1);
