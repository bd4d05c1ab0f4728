-- FoodMart to the canonical sale. Tables of the script stand in schema raw; rowid is the row's position in the script.
with fact as (
  select 1 as part, rowid as position, time_id, customer_id, store_id, store_sales from raw.sales_fact_1997
  union all
  select 2, rowid, time_id, customer_id, store_id, store_sales from raw.sales_fact_1998
  union all
  select 3, rowid, time_id, customer_id, store_id, store_sales from raw.sales_fact_dec_1998
),
-- The store table holds a surname only; the person is the employee whose position is manager of that store.
manager as (
  select store_id, cast(employee_id as varchar) as employee_key, full_name as salesman
  from raw.employee
  where position_title = 'Store Manager'
),
sale as (
  select
    concat(strftime(t.the_date, '%Y-%m-%d'), '-', f.store_id, '-', f.customer_id) as order_id,
    cast(t.the_date as date) as order_date,
    s.store_country as country,
    s.store_state as state,
    s.store_city as city,
    m.employee_key,
    m.salesman,
    f.store_sales as amount,
    f.part,
    f.position
  from fact f
  left join raw.time_by_day t using (time_id)
  left join raw.store s using (store_id)
  left join manager m using (store_id)
)
select
  order_id,
  -- Lines of one order agree in every column now and then, so they are numbered, never merged.
  row_number() over (partition by order_id order by part, position) as line,
  order_date, country, state, city, employee_key, salesman, amount
from sale
