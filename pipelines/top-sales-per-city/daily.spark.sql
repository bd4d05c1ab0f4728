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
WHERE order_date >= DATE_SUB(:partition_from, 7)
  AND order_date < :partition_to
  -- The same interval in whole months: only these folders of the lake are listed and read.
  AND month >= DATE_FORMAT(DATE_SUB(:partition_from, 7), 'yyyy-MM')
  AND month <= DATE_FORMAT(DATE_SUB(:partition_to, 1), 'yyyy-MM')
GROUP BY order_date, country, state, city;

CREATE OR REPLACE TEMPORARY VIEW city_sales_daily AS
SELECT
  today.business_date,
  today.country,
  today.state,
  today.city,
  today.sales,
  today.orders,
  -- Competition ranking over all cities of the day: 1, 2, 2, 4.
  CAST(RANK() OVER (PARTITION BY today.business_date ORDER BY today.sales DESC) AS BIGINT) AS rank,
  week_before.sales AS sales_7d_before,
  CAST(today.sales - week_before.sales AS DECIMAL(18, 4)) AS change
FROM day_sales AS today
LEFT JOIN day_sales AS week_before
  ON week_before.business_date = DATE_SUB(today.business_date, 7)
  AND week_before.country = today.country
  AND week_before.state = today.state
  AND week_before.city = today.city
WHERE today.business_date >= :partition_from;
