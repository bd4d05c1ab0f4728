-- The second row divides by zero.
CREATE OR REPLACE TEMPORARY VIEW quotients AS
SELECT
  :partition_from AS business_date,
  CAST(1 / (1 - id) AS DECIMAL(18, 4)) AS quotient,
  java_method('java.lang.Thread', 'sleep', CAST(500 AS BIGINT)) AS slept
FROM RANGE(0, 4, 1, 1);
