-- Adds up what the stage before wrote; the pauses are part of the sum, so that no planner leaves them out.
CREATE OR REPLACE TEMPORARY VIEW chaos_totals AS
SELECT
  business_date,
  COUNT(paused) AS numbers,
  CAST(SUM(number) AS BIGINT) AS total
FROM (
  SELECT business_date, number, java_method('java.lang.Thread', 'sleep', CAST(100 AS BIGINT)) AS paused FROM numbers)
GROUP BY business_date;
