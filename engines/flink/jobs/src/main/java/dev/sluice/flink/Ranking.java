package dev.sluice.flink;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Ranks totals and finds who overtook whom between two of them. */
final class Ranking {
  /** One salesman passing another; the sales are those after. */
  record Overtake(String winner, String loser, BigDecimal winnerSales, BigDecimal loserSales) {}

  private Ranking() {}

  /** Ranks by total, highest first, competition style (1, 2, 2, 4); equal totals are listed by key. */
  static Map<String, Long> ranks(Map<String, BigDecimal> totals) {
    List<Map.Entry<String, BigDecimal>> order = new ArrayList<>(totals.entrySet());
    order.sort(
        Map.Entry.<String, BigDecimal>comparingByValue(Comparator.reverseOrder()).thenComparing(Map.Entry.comparingByKey()));
    Map<String, Long> ranks = new LinkedHashMap<>();
    BigDecimal above = null;
    long rank = 0;
    for (Map.Entry<String, BigDecimal> entry : order) {
      if (above == null || above.compareTo(entry.getValue()) != 0) {
        rank = ranks.size() + 1L;
      }
      above = entry.getValue();
      ranks.put(entry.getKey(), rank);
    }
    return ranks;
  }

  /**
   * Every pair in which the loser was ahead or level before and the winner is strictly ahead after.
   *
   * <p>Both must have a total before: the first sale of a month overtakes nobody.
   */
  static List<Overtake> overtakes(Map<String, BigDecimal> before, Map<String, BigDecimal> after) {
    List<Overtake> found = new ArrayList<>();
    for (String winner : before.keySet()) {
      for (String loser : before.keySet()) {
        if (before.get(loser).compareTo(before.get(winner)) >= 0
            && after.get(winner).compareTo(after.get(loser)) > 0) {
          found.add(new Overtake(winner, loser, after.get(winner), after.get(loser)));
        }
      }
    }
    found.sort(Comparator.comparing(Overtake::winner).thenComparing(Overtake::loser));
    return found;
  }
}
