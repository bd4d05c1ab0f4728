-- Sales per day and city with the city's rank of the day and the change to the same weekday of the week before.
-- In: sales (lake, partitioned by month). Out: city_sales_daily, the days [partition_from, partition_to).

CREATE OR REPLACE TEMPORARY VIEW day_sales AS
SELECT
  order_date AS business_date,
  country,
  state,
  city,
  CAST(SUM(amount) AS DECIMAL(18, 4)) AS sales,
  COUNT(DISTINCT order_id) AS orders
FROM sales
-- Seven days more than asked for: the first days are compared too.
WHERE order_date >= DATE_SUB(:partition_from, 7)
  AND order_date < :partition_to
  -- The same interval in whole months: only these folders of the lake are listed and read.
  AND month >= DATE_FORMAT(DATE_SUB(:partition_from, 7), 'yyyy-MM')
  AND month <= DATE_FORMAT(DATE_SUB(:partition_to, 1), 'yyyy-MM')
GROUP BY order_date, country, state, city;

-- The frame holds exactly the day seven days before, or nothing.
CREATE OR REPLACE TEMPORARY VIEW compared_sales AS
SELECT
  *,
  MAX(sales) OVER (
    PARTITION BY country, state, city
    ORDER BY business_date
    RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND INTERVAL '7' DAY PRECEDING
  ) AS sales_7d_before
FROM day_sales;

CREATE OR REPLACE TEMPORARY VIEW city_sales_daily AS
SELECT
  business_date,
  country,
  state,
  city,
  sales,
  orders,
  -- Competition ranking over all cities of the day: 1, 2, 2, 4.
  CAST(RANK() OVER (PARTITION BY business_date ORDER BY sales DESC) AS BIGINT) AS rank,
  sales_7d_before,
  CAST(sales - sales_7d_before AS DECIMAL(18, 4)) AS change
FROM compared_sales
WHERE business_date >= :partition_from;
