package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/** Days are ranked in order though their sales arrive mixed; months start anew; only changed rows are written. */
class MonthToDateTest {
  private static final String[] FIELDS = {"country", "employee_key", "salesman", "amount", "day"};

  private static Row sale(String day, String country, String employee, String amount) {
    return Row.of(country, employee, "Name " + employee, new BigDecimal(amount), LocalDate.parse(day));
  }

  private static final List<Row> SALES =
      List.of(
          sale("1997-01-02", "USA", "e2", "1.5000"),
          sale("1997-01-01", "USA", "e1", "5.0000"),
          sale("1997-02-01", "USA", "e3", "1.0000"),
          sale("1997-01-02", "USA", "e2", "3.0000"),
          sale("1997-01-01", "USA", "e2", "1.0000"),
          sale("1997-01-31", "USA", "e1", "0.1000"),
          sale("1997-01-01", "Canada", "e9", "7.0000"));

  @Test
  void ranksDayByDay() throws Exception {
    assertEquals(
        List.of(
            "1997-01-01 USA e1 Name e1 5.0000 1",
            "1997-01-01 USA e2 Name e2 1.0000 2",
            // Day 2: e2 comes to 5.5000 and passes e1, both rows change.
            "1997-01-01 USA e2 Name e2 5.5000 1",
            "1997-01-01 USA e1 Name e1 5.0000 2",
            // Day 31: e2's row stays as it was and is not written again.
            "1997-01-01 USA e1 Name e1 5.1000 2",
            "1997-02-01 USA e3 Name e3 1.0000 1"),
        run(false).stream().filter(row -> row.contains("USA")).toList());
  }

  @Test
  void reportsOvertakes() throws Exception {
    assertEquals(List.of("USA 1997-01-02 e2 e1 5.5000 5.0000"), run(true));
  }

  private static List<String> run(boolean overtakes) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setParallelism(1);
    SerializableTimestampAssigner<Row> eventTime =
        (row, before) -> row.<LocalDate>getFieldAs("day").atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli();
    DataStream<Row> sales =
        env.fromData(
                SALES,
                Types.ROW_NAMED(FIELDS, Types.STRING, Types.STRING, Types.STRING, Types.BIG_DEC, Types.LOCAL_DATE))
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Row>forBoundedOutOfOrderness(Duration.ofDays(90)).withTimestampAssigner(eventTime));
    var standings = SalesmanMonthly.rank(sales);
    List<String> rows = new ArrayList<>();
    try (CloseableIterator<Row> results =
        overtakes ? standings.getSideOutput(MonthToDate.OVERTAKES).executeAndCollect() : standings.executeAndCollect()) {
      results.forEachRemaining(row -> rows.add(join(row)));
    }
    return rows;
  }

  private static String join(Row row) {
    List<String> fields = new ArrayList<>();
    for (int i = 0; i < row.getArity(); i++) {
      fields.add(String.valueOf(row.getField(i)));
    }
    return String.join(" ", fields);
  }
}
