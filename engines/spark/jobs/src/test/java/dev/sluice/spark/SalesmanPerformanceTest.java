package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/** The quarterly table to the row: whole quarters, gaps, shares, ranks with ties, and forecasts from three quarters on. */
class SalesmanPerformanceTest {
  private static final String[] SALES = {
    "a1|1997-01-05|USA|WA|Tacoma|e1|Ann|100.0000",
    "a2|1997-04-05|USA|WA|Tacoma|e1|Ann|200.0000",
    "a3|1997-09-30|USA|WA|Tacoma|e1|Ann|150.0000",
    "a4|1997-09-30|USA|WA|Tacoma|e1|Ann|150.0000",
    "a5|1997-10-01|USA|WA|Tacoma|e1|Ann|100.0000",
    "a6|1997-12-31|USA|WA|Tacoma|e1|Ann|0.0004",
    "a7|1998-01-01|USA|WA|Tacoma|e1|Ann|999.0000",
    // No second quarter: no growth in the third, and the line is fitted over the gap.
    "b1|1997-01-06|USA|OR|Salem|e2|Bob|100.0000",
    "b2|1997-07-06|USA|OR|Salem|e2|Bob|300.0000",
    "b3|1997-11-06|USA|OR|Salem|e2|Bob|80.0000",
    // The same key in another country is another series.
    "c1|1997-11-07|Mexico|DF|Mexico City|e1|Ann|7.0000",
  };
  private final SparkSession spark = TestSpark.session();

  private List<String> performance(String from, String to) {
    Sales.view(spark, SALES);
    SalesmanPerformance.run(
        spark, Sales.spec(from, to, TestSpark.pipelineFile("top-salesman-in-country/performance.spark.sql")));
    List<String> lines = new ArrayList<>();
    for (Row row : spark.sql("SELECT * FROM salesman_performance ORDER BY quarter, country, employee_key").collectAsList()) {
      lines.add(row.mkString(" "));
    }
    spark.catalog().clearCache();
    return lines;
  }

  @Test
  void aDayGivesItsWholeQuarterFromAllHistory() {
    assertEquals(
        List.of(
            "1997-10-01 Mexico e1 Ann 7.0000 1.000000 null 0.000000 null",
            // Over 100, 200, 300, 100.0004 in four quarters in a row: mean 175.0001, slope 10.00012, 2.5 ahead.
            "1997-10-01 USA e1 Ann 100.0004 0.555557 -0.666665 1.000000 200.0004",
            // Over 100, no second quarter, 300, 80: mean 160, slope 60/7, 7/3 ahead.
            "1997-10-01 USA e2 Bob 80.0000 0.444443 -0.733333 0.000000 180.0000"),
        performance("1997-11-15", "1997-11-16"));
  }

  @Test
  void aRangeGivesAllQuartersItTouches() {
    assertEquals(
        List.of(
            "1997-01-01 USA e1 Ann 100.0000 0.500000 null 0.000000 null",
            "1997-01-01 USA e2 Bob 100.0000 0.500000 null 0.000000 null",
            "1997-04-01 USA e1 Ann 200.0000 1.000000 1.000000 0.000000 null",
            "1997-07-01 USA e1 Ann 300.0000 0.500000 0.500000 0.000000 400.0000",
            "1997-07-01 USA e2 Bob 300.0000 0.500000 null 0.000000 null"),
        performance("1997-03-31", "1997-07-02"));
  }

  @Test
  void outputHasTheDeclaredColumnsAndTypes() {
    performance("1997-01-01", "1997-01-02");
    assertEquals(
        List.of(
            "quarter date", "country text", "employee_key text", "salesman text", "sales numeric(18,4)",
            "share numeric(9,6)", "growth numeric(18,6)", "percentile numeric(9,6)", "forecast_next numeric(18,4)"),
        Sales.types(spark, "salesman_performance").entrySet().stream()
            .map(column -> column.getKey() + " " + column.getValue())
            .toList());
  }
}
