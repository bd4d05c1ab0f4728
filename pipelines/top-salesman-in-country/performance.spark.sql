-- Sales per quarter and salesman, measured against the country and the quarter before; the forecast is added by the job.
-- In: sales (lake, partitioned by month). Out: quarter_sales (all quarters up to the last one that the partition touches)
-- and measured_quarters (the quarters that [partition_from, partition_to) touches, whole).

CREATE OR REPLACE TEMPORARY VIEW quarter_sales AS
SELECT
  TRUNC(order_date, 'QUARTER') AS quarter,
  country,
  employee_key,
  MAX(salesman) AS salesman,
  CAST(SUM(amount) AS DECIMAL(18, 4)) AS sales
FROM sales
-- Up to the last month of the last quarter that the partition touches.
WHERE month <= DATE_FORMAT(ADD_MONTHS(TRUNC(DATE_SUB(:partition_to, 1), 'QUARTER'), 2), 'yyyy-MM')
GROUP BY TRUNC(order_date, 'QUARTER'), country, employee_key;

CREATE OR REPLACE TEMPORARY VIEW measured_quarters AS
SELECT
  this.quarter,
  this.country,
  this.employee_key,
  this.salesman,
  this.sales,
  CAST(
    this.sales / NULLIF(SUM(this.sales) OVER (PARTITION BY this.country, this.quarter), 0) AS DECIMAL(9, 6)
  ) AS share,
  CAST(this.sales / NULLIF(before.sales, 0) - 1 AS DECIMAL(18, 6)) AS growth,
  CAST(
    PERCENT_RANK() OVER (PARTITION BY this.country, this.quarter ORDER BY this.sales) AS DECIMAL(9, 6)
  ) AS percentile
FROM quarter_sales AS this
LEFT JOIN quarter_sales AS before
  ON before.quarter = ADD_MONTHS(this.quarter, -3)
  AND before.country = this.country
  AND before.employee_key = this.employee_key
WHERE this.quarter >= TRUNC(:partition_from, 'QUARTER');
