package dev.sluice.spark;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Performance of salesmen per quarter: SQL measures the quarters, spark.ml forecasts the one that follows each. The SQL
 * leaves the views {@code quarter_sales} (every quarter up to the last one wanted) and {@code measured_quarters} (the
 * wanted ones, without forecast).
 */
public final class SalesmanPerformance {
  private static final String OUTPUT = "salesman_performance";
  private static final int MIN_QUARTERS = 3;
  private static final int MONEY_SCALE = 4;
  private static final StructType FORECAST = new StructType()
      .add("quarter", DataTypes.DateType, false)
      .add("country", DataTypes.StringType, false)
      .add("employee_key", DataTypes.StringType, false)
      .add("forecast_next", DataTypes.createDecimalType(18, MONEY_SCALE), false);

  private record Salesman(String country, String employeeKey) {}

  private record Quarter(LocalDate first, BigDecimal sales) {
    double position() {
      return first.getYear() * 4.0 + (first.getMonthValue() + 2) / 3;
    }
  }

  private record Wanted(Salesman salesman, LocalDate quarter) {}

  private SalesmanPerformance() {}

  public static void main(String[] args) {
    BatchJob.main(args, SalesmanPerformance::run);
  }

  static void run(SparkSession spark, JobSpec spec) {
    SqlRunner.runScript(spark, spec);
    // Read twice: for the fit and for the measures.
    spark.catalog().cacheTable("quarter_sales");
    forecasts(spark, spec).createOrReplaceTempView("quarter_forecasts");
    spark.sql("SELECT * FROM measured_quarters LEFT JOIN quarter_forecasts USING (quarter, country, employee_key)")
        .createOrReplaceTempView(OUTPUT);
  }

  private static Dataset<Row> forecasts(SparkSession spark, JobSpec spec) {
    LocalDate firstWanted = quarterOf(spec.from());
    List<Wanted> wanted = new ArrayList<>();
    List<Trend.Series> series = new ArrayList<>();
    history(spark).forEach((salesman, quarters) -> {
      for (int known = MIN_QUARTERS; known <= quarters.size(); known++) {
        LocalDate last = quarters.get(known - 1).first();
        if (!last.isBefore(firstWanted)) {
          wanted.add(new Wanted(salesman, last));
          series.add(series(quarters.subList(0, known)));
        }
      }
    });
    List<BigDecimal> values = Trend.predict(spark, series, MONEY_SCALE);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      Wanted group = wanted.get(i);
      rows.add(RowFactory.create(
          group.quarter(), group.salesman().country(), group.salesman().employeeKey(), values.get(i)));
    }
    return spark.createDataFrame(rows, FORECAST);
  }

  private static Map<Salesman, List<Quarter>> history(SparkSession spark) {
    Map<Salesman, List<Quarter>> history = new LinkedHashMap<>();
    Dataset<Row> rows = spark.sql("SELECT country, employee_key, quarter, sales FROM quarter_sales ORDER BY ALL");
    for (Row row : rows.collectAsList()) {
      history
          .computeIfAbsent(new Salesman(row.getString(0), row.getString(1)), salesman -> new ArrayList<>())
          .add(new Quarter(row.getDate(2).toLocalDate(), row.getDecimal(3)));
    }
    return history;
  }

  private static Trend.Series series(List<Quarter> quarters) {
    double[] x = quarters.stream().mapToDouble(Quarter::position).toArray();
    double[] y = quarters.stream().mapToDouble(quarter -> quarter.sales().doubleValue()).toArray();
    return new Trend.Series(x, y, x[x.length - 1] + 1);
  }

  private static LocalDate quarterOf(LocalDate day) {
    return LocalDate.of(day.getYear(), (day.getMonthValue() - 1) / 3 * 3 + 1, 1);
  }
}
