package dev.sluice.flink;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Ranks a country's salesmen over the month so far at the end of each day with sales, and notes who overtook whom that day.
 *
 * <p>Input rows are (country, employee_key, salesman, amount) with the sale's event time, keyed by country. Partitions may
 * run days apart, so a day's sums wait until the watermark ends that day; days of one country end in order. Only rows that
 * changed are written. A sale of a day that was already ranked is dropped and counted as late.
 */
final class MonthToDate extends KeyedProcessFunction<String, Row, Row> {
  private static final long serialVersionUID = 1L;
  private static final long DAY_MS = 86_400_000L;
  private static final int MONEY_SCALE = 4;

  static final TypeInformation<Row> STANDING =
      Types.ROW_NAMED(
          new String[] {"month", "country", "employee_key", "salesman", "sales", "rank"},
          Types.LOCAL_DATE, Types.STRING, Types.STRING, Types.STRING, Types.STRING, Types.LONG);

  static final TypeInformation<Row> OVERTAKE =
      Types.ROW_NAMED(
          new String[] {"country", "day", "winner_key", "loser_key", "winner_sales", "loser_sales"},
          Types.STRING, Types.LOCAL_DATE, Types.STRING, Types.STRING, Types.STRING, Types.STRING);

  static final OutputTag<Row> OVERTAKES = new OutputTag<>("overtakes", OVERTAKE);

  /** Sums of the days that have not ended: epoch day -> employee -> (name, amount). */
  private transient MapState<Integer, Map<String, Tuple2<String, BigDecimal>>> openDays;

  /** The month ranked last, as the epoch day of its first day. */
  private transient ValueState<Integer> month;

  /** The ranking as last written for that month: employee -> (name, sales, rank). */
  private transient MapState<String, Tuple3<String, BigDecimal, Long>> standings;

  /** The last day ranked. */
  private transient ValueState<Integer> rankedDay;

  private transient Counter late;

  @Override
  public void open(OpenContext context) {
    TypeInformation<Tuple2<String, BigDecimal>> sold = Types.TUPLE(Types.STRING, Types.BIG_DEC);
    TypeInformation<Tuple3<String, BigDecimal, Long>> standing =
        Types.TUPLE(Types.STRING, Types.BIG_DEC, Types.LONG);
    openDays =
        getRuntimeContext()
            .getMapState(new MapStateDescriptor<>("open-days", Types.INT, Types.MAP(Types.STRING, sold)));
    month = getRuntimeContext().getState(new ValueStateDescriptor<>("month", Types.INT));
    standings =
        getRuntimeContext().getMapState(new MapStateDescriptor<>("standings", Types.STRING, standing));
    rankedDay = getRuntimeContext().getState(new ValueStateDescriptor<>("ranked-day", Types.INT));
    late = getRuntimeContext().getMetricGroup().counter("lateSalesDropped");
  }

  @Override
  public void processElement(Row sale, Context context, Collector<Row> out) throws Exception {
    int day = Math.toIntExact(Math.floorDiv(context.timestamp(), DAY_MS));
    Integer ranked = rankedDay.value();
    if (ranked != null && day <= ranked) {
      late.inc();
      return;
    }
    Map<String, Tuple2<String, BigDecimal>> sums = openDays.get(day);
    if (sums == null) {
      sums = new HashMap<>();
    }
    sums.merge(
        sale.getFieldAs("employee_key"),
        Tuple2.of(sale.getFieldAs("salesman"), sale.getFieldAs("amount")),
        MonthToDate::add);
    openDays.put(day, sums);
    context.timerService().registerEventTimeTimer((day + 1L) * DAY_MS - 1);
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<Row> out) throws Exception {
    int day = Math.toIntExact(Math.floorDiv(timestamp, DAY_MS));
    Map<String, Tuple2<String, BigDecimal>> sums = openDays.get(day);
    openDays.remove(day);
    rankedDay.update(day);

    LocalDate date = LocalDate.ofEpochDay(day);
    LocalDate firstOfMonth = date.withDayOfMonth(1);
    Integer current = month.value();
    if (current == null || current != firstOfMonth.toEpochDay()) {
      standings.clear();
      month.update(Math.toIntExact(firstOfMonth.toEpochDay()));
    }

    Map<String, BigDecimal> before = new HashMap<>();
    Map<String, String> names = new HashMap<>();
    for (Map.Entry<String, Tuple3<String, BigDecimal, Long>> entry : standings.entries()) {
      before.put(entry.getKey(), entry.getValue().f1);
      names.put(entry.getKey(), entry.getValue().f0);
    }
    Map<String, BigDecimal> after = new HashMap<>(before);
    sums.forEach(
        (employee, sold) -> {
          after.merge(employee, sold.f1, BigDecimal::add);
          names.merge(employee, sold.f0, MonthToDate::laterName);
        });

    String country = context.getCurrentKey();
    for (Map.Entry<String, Long> entry : Ranking.ranks(after).entrySet()) {
      String employee = entry.getKey();
      var standing = Tuple3.of(names.get(employee), after.get(employee), entry.getValue());
      if (!standing.equals(standings.get(employee))) {
        standings.put(employee, standing);
        out.collect(Row.of(firstOfMonth, country, employee, standing.f0, money(standing.f1), standing.f2));
      }
    }
    for (Ranking.Overtake o : Ranking.overtakes(before, after)) {
      context.output(
          OVERTAKES, Row.of(country, date, o.winner(), o.loser(), money(o.winnerSales()), money(o.loserSales())));
    }
  }

  private static Tuple2<String, BigDecimal> add(Tuple2<String, BigDecimal> a, Tuple2<String, BigDecimal> b) {
    return Tuple2.of(laterName(a.f0, b.f0), a.f1.add(b.f1));
  }

  /** One employee should have one name; if not, the choice must not depend on the order of records. */
  private static String laterName(String a, String b) {
    return a.compareTo(b) >= 0 ? a : b;
  }

  private static String money(BigDecimal amount) {
    return amount.setScale(MONEY_SCALE, RoundingMode.UNNECESSARY).toPlainString();
  }
}
