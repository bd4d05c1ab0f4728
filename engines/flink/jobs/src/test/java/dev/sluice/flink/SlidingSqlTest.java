package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** The sliding windows' own SQL file, planned as in production and run on a small input against a plain recomputation. */
class SlidingSqlTest {
  private static final Path FILE = Path.of("../../../pipelines/top-sales-per-city/sliding.flink.sql");
  private static final LocalDate FIRST = LocalDate.of(1997, 1, 1);

  private static final Map<String, String> VALUES =
      Map.of(
          "inputs.sales.topic", "sales.raw",
          "outputs.city_sales_sliding.topic", "results.city-sales-sliding",
          "kafka.bootstrapServers", "127.0.0.1:9092",
          "groupId", "g");

  private record Sale(int day, String city, String amount) {}

  private static JobSpec spec() throws IOException {
    return new JobSpec("k", "sluice:i:k", "sliding", Files.readString(FILE), VALUES);
  }

  @Test
  void plansTheSameOperatorsEachTime() throws IOException {
    var first = JobEnvironment.create(spec());
    var second = JobEnvironment.create(spec());
    assertEquals(
        StablePlan.of(first, SqlRunner.prepare(first, spec())).asJsonString(),
        StablePlan.of(second, SqlRunner.prepare(second, spec())).asJsonString());
  }

  @Test
  void sumsAndRanksEveryWindow() throws Exception {
    // b and c tie on day 0 and in the windows over both days; the gap leaves windows of one day alone; d has a return.
    List<Sale> sales =
        List.of(
            new Sale(0, "a", "9.0001"), new Sale(0, "b", "5.0000"), new Sale(0, "c", "2.5000"),
            new Sale(0, "c", "2.5000"), new Sale(0, "d", "1.0000"), new Sale(1, "b", "0.0001"),
            new Sale(1, "c", "0.0001"), new Sale(1, "d", "-3.0000"), new Sale(3, "e", "7.0000"),
            new Sale(15, "a", "0.1000"), new Sale(15, "b", "0.1000"));
    assertEquals(expected(sales), actual(sales));
  }

  private static TreeSet<String> expected(List<Sale> sales) {
    TreeSet<String> rows = new TreeSet<>();
    for (int start = -6; start <= 15; start++) {
      Map<String, BigDecimal> sums = new TreeMap<>();
      for (Sale sale : sales) {
        if (sale.day() >= start && sale.day() < start + 7) {
          sums.merge(sale.city(), new BigDecimal(sale.amount()), BigDecimal::add);
        }
      }
      for (var sum : sums.entrySet()) {
        long rank = 1 + sums.values().stream().filter(other -> other.compareTo(sum.getValue()) > 0).count();
        rows.add(
            Row.of(
                    FIRST.plusDays(start), FIRST.plusDays(start + 7), "USA", "WA", sum.getKey(),
                    sum.getValue().toPlainString(), rank)
                .toString());
      }
    }
    return rows;
  }

  private static TreeSet<String> actual(List<Sale> sales) throws Exception {
    List<Row> records = new ArrayList<>();
    for (Sale sale : sales) {
      records.add(Row.of("sale", "USA", "WA", sale.city(), new BigDecimal(sale.amount()), at(sale.day())));
    }
    records.add(Row.of("dayClosed", null, null, null, null, at(16)));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.configuration(spec()));
    env.setParallelism(1);
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    tables.createTemporaryView(
        "sales",
        env.fromData(
            records,
            Types.ROW_NAMED(
                new String[] {"type", "country", "state", "city", "amount", "ts"},
                Types.STRING, Types.STRING, Types.STRING, Types.STRING, Types.BIG_DEC, Types.INSTANT)),
        Schema.newBuilder()
            .column("type", "STRING")
            .column("country", "STRING")
            .column("state", "STRING")
            .column("city", "STRING")
            .column("amount", "DECIMAL(18, 4)")
            .column("ts", "TIMESTAMP_LTZ(3)")
            .watermark("ts", "ts - INTERVAL '0.001' SECOND")
            .build());
    List<String> statements = SqlScript.statements(spec().sql(), VALUES);
    List<String> inserts =
        SqlRunner.declare(tables, statements.stream().filter(s -> !s.startsWith("CREATE TEMPORARY TABLE")).toList());
    String query = inserts.get(0).replaceFirst("INSERT INTO \\w+", "");
    TreeSet<String> rows = new TreeSet<>();
    try (var results = tables.executeSql(query).collect()) {
      results.forEachRemaining(row -> assertTrue(rows.add(row.toString())));
    }
    return rows;
  }

  private static Instant at(int day) {
    return FIRST.plusDays(day).atStartOfDay().toInstant(ZoneOffset.UTC);
  }
}
