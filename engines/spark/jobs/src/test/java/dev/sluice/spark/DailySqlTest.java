package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** The daily table to the row: ties, the first week, days before the partition, exact types. */
class DailySqlTest {
  private final SparkSession spark = TestSpark.session();

  private List<String> daily(String from, String to, String... sales) {
    Sales.view(spark, sales);
    SqlRunner.runScript(spark, Sales.spec(from, to, TestSpark.pipelineFile("top-sales-per-city/daily.spark.sql")));
    List<String> lines = new ArrayList<>();
    String query = "SELECT business_date, city, sales, orders, rank, sales_7d_before, change "
        + "FROM city_sales_daily ORDER BY business_date, rank, country, state, city";
    for (Row row : spark.sql(query).collectAsList()) {
      lines.add(row.mkString(" "));
    }
    return lines;
  }

  @Test
  void ranksWithTiesAndCountsDifferentOrders() {
    assertEquals(
        List.of(
            "1997-01-01 Tacoma 30.0000 1 1 null null",
            "1997-01-01 Salem 20.0000 2 2 null null",
            "1997-01-01 Seattle 20.0000 1 2 null null",
            "1997-01-01 Portland 0.0001 1 4 null null"),
        daily(
            "1997-01-01", "1997-01-02",
            "o1|1997-01-01|USA|WA|Tacoma|e1|Ann|30.0000",
            "o2|1997-01-01|USA|OR|Salem|e2|Bob|10.5000",
            "o3|1997-01-01|USA|OR|Salem|e2|Bob|9.5000",
            "o4|1997-01-01|USA|WA|Seattle|e3|Cy|10.0000",
            "o4|1997-01-01|USA|WA|Seattle|e3|Cy|10.0000",
            "o5|1997-01-01|USA|OR|Portland|e4|Di|0.0001",
            "o6|1997-01-02|USA|OR|Portland|e4|Di|99.0000"));
  }

  @Test
  void comparesWithExactlySevenDaysBeforeEvenOutsideThePartition() {
    assertEquals(
        List.of(
            "1997-02-03 Salem 5.0000 1 1 7.5000 -2.5000",
            // Six days before does not count, nor does a city of the same name elsewhere.
            "1997-02-03 Tacoma 1.0000 1 2 null null",
            "1997-02-10 Salem 9.0000 1 1 5.0000 4.0000"),
        daily(
            "1997-02-03", "1997-02-11",
            "o1|1997-01-27|USA|OR|Salem|e1|Ann|7.5000",
            "o2|1997-01-28|USA|WA|Tacoma|e1|Ann|8.0000",
            "o3|1997-01-27|USA|XX|Tacoma|e1|Ann|8.0000",
            "o4|1997-02-03|USA|OR|Salem|e1|Ann|5.0000",
            "o5|1997-02-03|USA|WA|Tacoma|e1|Ann|1.0000",
            "o6|1997-02-10|USA|OR|Salem|e1|Ann|9.0000",
            "o7|1997-02-11|USA|OR|Salem|e1|Ann|1.0000"));
  }

  @Test
  void outputHasTheDeclaredTypes() {
    daily("1997-01-01", "1997-01-02", "o1|1997-01-01|USA|WA|Tacoma|e1|Ann|1.0000");
    assertEquals(
        Map.of(
            "business_date", "date", "country", "text", "state", "text", "city", "text", "sales", "numeric(18,4)",
            "orders", "bigint", "rank", "bigint", "sales_7d_before", "numeric(18,4)", "change", "numeric(18,4)"),
        Sales.types(spark, "city_sales_daily"));
  }
}
