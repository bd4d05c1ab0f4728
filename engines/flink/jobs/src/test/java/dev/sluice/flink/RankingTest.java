package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Equal totals share a rank, whatever their scale; an overtake needs both sides before and a strict lead after. */
class RankingTest {
  private static Map<String, BigDecimal> totals(Object... pairs) {
    Map<String, BigDecimal> totals = new HashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      totals.put((String) pairs[i], new BigDecimal((String) pairs[i + 1]));
    }
    return totals;
  }

  @Test
  void ranksCompetitionStyle() {
    Map<String, Long> ranks = Ranking.ranks(totals("d", "1", "b", "5.0000", "c", "5.00", "a", "9", "e", "-3"));
    assertEquals(Map.of("a", 1L, "b", 2L, "c", 2L, "d", 4L, "e", 5L), ranks);
    assertEquals(List.of("a", "b", "c", "d", "e"), new ArrayList<>(ranks.keySet()));
    assertEquals(Map.of(), Ranking.ranks(Map.of()));
  }

  @Test
  void findsWhoPassedWhom() {
    var found =
        Ranking.overtakes(
            totals("a", "10", "b", "8", "c", "8"), totals("a", "10", "b", "12", "c", "10", "new", "99"));
    // b passes a (ahead) and c (level); c only draws level with a; the newcomer had nothing before.
    assertEquals(
        List.of("b>a 12/10", "b>c 12/10"),
        found.stream()
            .map(o -> o.winner() + ">" + o.loser() + " " + o.winnerSales() + "/" + o.loserSales())
            .toList());
  }

  @Test
  void aLeadThatStaysOrAFallBackIsSeenFromTheRightSide() {
    assertEquals(List.of(), Ranking.overtakes(totals("a", "2", "b", "1"), totals("a", "3", "b", "2")));
    assertEquals("b", Ranking.overtakes(totals("a", "2", "b", "1"), totals("a", "0", "b", "1")).get(0).winner());
    assertEquals(List.of(), Ranking.overtakes(totals("a", "2", "b", "1"), totals("a", "2", "b", "2.0")));
  }
}
