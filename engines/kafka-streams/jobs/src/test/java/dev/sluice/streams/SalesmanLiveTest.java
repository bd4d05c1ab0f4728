package dev.sluice.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.streams.CountryRanking.SalesmanTotal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SalesmanLiveTest {
  @TempDir Path state;

  private static String row(String country, String employee, String sales, int orders, int rank) {
    return "{\"country\":\"%s\",\"employee_key\":\"%s\",\"salesman\":\"Name %s\",\"sales\":\"%s\",\"orders\":%d,\"rank\":%d}"
        .formatted(country, employee, employee, sales, orders, rank);
  }

  private static String value(String country, String... rows) {
    return "{\"country\":\"%s\",\"rows\":[%s]}".formatted(country, String.join(",", rows));
  }

  @Test
  void ranksEachCountryWithTiesOverAllCities() {
    try (SalesDriver sales = new SalesDriver(SalesmanLive::topology, SalesmanLive.OUTPUT, state)) {
      sales.sale("o1", "1997-01-01", "USA|WA|Seattle", "b", "10.0000");
      sales.sale("o1", "1997-01-01", "USA|WA|Seattle", "b", "10.0000");
      sales.sale("o2", "1997-01-02", "USA|OR|Salem", "a", "20.0000");
      sales.sale("o3", "1997-01-02", "USA|OR|Portland", "d", "5.0000");
      sales.sale("o4", "1998-01-02", "USA|WA|Tacoma", "c", "30.0000");
      sales.sale("o5", "1998-01-02", "USAX|WA|Tacoma", "c", "1.0000");
      sales.raw("dayClosed", "{\"type\":\"dayClosed\",\"day\":\"1998-01-02\"}");
      assertEquals(
          Map.of(
              "{\"country\":\"USA\"}",
              value("USA", row("USA", "c", "30.0000", 1, 1), row("USA", "a", "20.0000", 1, 2),
                  row("USA", "b", "20.0000", 1, 2), row("USA", "d", "5.0000", 1, 4)),
              "{\"country\":\"USAX\"}",
              value("USAX", row("USAX", "c", "1.0000", 1, 1))),
          sales.results());
    }
  }

  @Test
  void anOvertakeMovesBothRows() {
    try (SalesDriver sales = new SalesDriver(SalesmanLive::topology, SalesmanLive.OUTPUT, state)) {
      sales.sale("o1", "1997-01-01", "USA|WA|Seattle", "a", "10.0000");
      sales.sale("o2", "1997-01-01", "USA|OR|Salem", "b", "9.0000");
      sales.results();
      sales.sale("o3", "1997-01-02", "USA|OR|Salem", "b", "1.0001");
      assertEquals(
          Map.of("{\"country\":\"USA\"}", value("USA", row("USA", "b", "10.0001", 2, 1), row("USA", "a", "10.0000", 1, 2))),
          sales.results());
    }
  }

  @Test
  void rankingCountsEqualSalesAsEqualWhateverTheirScale() {
    String ranking = CountryRanking.ranking("X", List.of(
        new SalesmanTotal("X", "2", "Name 2", "1.00", 1), new SalesmanTotal("X", "1", "Name 1", "1.0000", 1)));
    assertEquals(value("X", row("X", "1", "1.0000", 1, 1), row("X", "2", "1.00", 1, 1)), ranking);
  }
}
