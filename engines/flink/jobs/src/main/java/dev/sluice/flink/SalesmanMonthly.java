package dev.sluice.flink;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamStatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.api.config.ExecutionConfigOptions;
import org.apache.flink.types.Row;

/**
 * Ranks the salesmen of each country month by month and reports overtakes, as one streaming job with two result topics.
 *
 * <p>Topics and formats are declared in {@code salesman-monthly.sql}; what SQL cannot say is in {@link MonthToDate}.
 */
public final class SalesmanMonthly {
  private static final String DECLARATIONS = "salesman-monthly.sql";

  private SalesmanMonthly() {}

  public static void main(String[] args) throws Exception {
    JobSpec spec = JobSpec.fromArgs(args);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.configuration(spec));
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    SqlRunner.declare(tables, SqlScript.statements(declarations(), spec.values()));

    nameOperators(tables, "sales");
    Table sales =
        tables.sqlQuery("SELECT country, employee_key, salesman, amount, ts FROM sales WHERE `type` = 'sale'");
    SingleOutputStreamOperator<Row> standings = rank(tables.toDataStream(sales));
    write(tables, "salesman_monthly", standings);
    write(tables, "salesman_overtakes", standings.getSideOutput(MonthToDate.OVERTAKES));
    env.executeAsync(JobEnvironment.jobName(spec));
  }

  static SingleOutputStreamOperator<Row> rank(DataStream<Row> sales) {
    return sales
        .keyBy(sale -> sale.<String>getFieldAs("country"), Types.STRING)
        .process(new MonthToDate(), MonthToDate.STANDING)
        .uid("month-to-date")
        .name("month-to-date ranking and overtakes");
  }

  private static void write(StreamTableEnvironment tables, String table, DataStream<Row> rows) {
    nameOperators(tables, table);
    StreamStatementSet insert = tables.createStatementSet();
    insert.add(tables.fromDataStream(rows).insertInto(table));
    insert.attachAsDataStream();
  }

  /**
   * Gives the operators that are translated next ids under a prefix, in place of the planner's numbers, which differ from
   * one submission to the next. Each translated piece has at most one operator of a kind.
   */
  private static void nameOperators(StreamTableEnvironment tables, String prefix) {
    tables.getConfig()
        .set(ExecutionConfigOptions.TABLE_EXEC_UID_GENERATION, ExecutionConfigOptions.UidGeneration.ALWAYS)
        .set(ExecutionConfigOptions.TABLE_EXEC_UID_FORMAT, prefix + "_<type>_<transformation>");
  }

  private static String declarations() throws IOException {
    try (InputStream in = SalesmanMonthly.class.getResourceAsStream(DECLARATIONS)) {
      if (in == null) {
        throw new IllegalStateException(DECLARATIONS + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
