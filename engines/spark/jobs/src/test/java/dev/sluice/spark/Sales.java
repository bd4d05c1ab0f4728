package dev.sluice.spark;

import com.fasterxml.jackson.databind.JsonNode;
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

/** Canonical sale lines for tests, written as {@code order|day|country|state|city|employee|salesman|amount}. */
final class Sales {
  private static final StructType SCHEMA = new StructType()
      .add("order_id", DataTypes.StringType)
      .add("line", DataTypes.IntegerType)
      .add("order_date", DataTypes.DateType)
      .add("country", DataTypes.StringType)
      .add("state", DataTypes.StringType)
      .add("city", DataTypes.StringType)
      .add("employee_key", DataTypes.StringType)
      .add("salesman", DataTypes.StringType)
      .add("amount", DataTypes.createDecimalType(18, 4))
      .add("month", DataTypes.StringType);

  private Sales() {}

  static Dataset<Row> rows(SparkSession spark, String... lines) {
    List<Row> rows = new ArrayList<>();
    for (String line : lines) {
      String[] p = line.split("\\|");
      rows.add(RowFactory.create(
          p[0], rows.size() + 1, LocalDate.parse(p[1]), p[2], p[3], p[4], p[5], p[6], new BigDecimal(p[7]),
          p[1].substring(0, 7)));
    }
    return spark.createDataFrame(rows, SCHEMA);
  }

  static void view(SparkSession spark, String... lines) {
    rows(spark, lines).createOrReplaceTempView("sales");
  }

  static JobSpec spec(String from, String to, String sql) {
    return spec(from, to, sql, Map.of());
  }

  static JobSpec spec(String from, String to, String sql, Map<String, JsonNode> params) {
    return new JobSpec(
        "0".repeat(32), "test", LocalDate.parse(from), LocalDate.parse(to), params, sql, List.of(), List.of(), "", "");
  }

  static Map<String, String> types(SparkSession spark, String view) {
    Map<String, String> types = new LinkedHashMap<>();
    ColumnTypes.describe(view, spark.table(view).schema())
        .forEach(column -> types.put(column.get("name").textValue(), column.get("type").textValue()));
    return types;
  }
}
