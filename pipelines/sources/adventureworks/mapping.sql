-- AdventureWorks to the canonical sale. The files stand in schema raw; rowid is the row's position in its file.
select
  f.SalesOrderNumber as order_id,
  row_number() over (partition by f.SalesOrderNumber order by f.rowid) as line,
  f.OrderDate as order_date,
  -- The country of the sale is the reseller's; a salesperson's home territory is somewhere else at times.
  r.Country as country,
  r.StateProvince as state,
  r.City as city,
  cast(f.EmployeeKey as varchar) as employee_key,
  p.Handle as salesman,
  f.SalesAmount as amount
from raw.reseller_sales f
left join raw.resellers r using (ResellerKey)
left join raw.salespeople p using (EmployeeKey)
