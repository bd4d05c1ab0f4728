package dev.sluice.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CitySalesLiveTest {
  private static final String SEATTLE = "USA|WA|Seattle";

  @TempDir Path state;

  private SalesDriver open(String... skipped) {
    return new SalesDriver(CitySalesLive::topology, CitySalesLive.OUTPUT, state, skipped);
  }

  private static String key(String day, String city) {
    return "{\"business_date\":\"%s\",\"country\":\"USA\",\"state\":\"WA\",\"city\":\"%s\"}".formatted(day, city);
  }

  private static String value(String day, String city, String sales, int orders) {
    return "{\"business_date\":\"%s\",\"country\":\"USA\",\"state\":\"WA\",\"city\":\"%s\",\"sales\":\"%s\",\"orders\":%d}"
        .formatted(day, city, sales, orders);
  }

  @Test
  void addsUpExactlyPerDayAndCountsDifferentOrders() {
    try (SalesDriver sales = open()) {
      sales.sale("o1", "1997-01-01", SEATTLE, "7", "0.1000");
      sales.sale("o1", "1997-01-01", SEATTLE, "7", "0.2000");
      sales.sale("o2", "1997-01-01", SEATTLE, "7", "12345678901234.5678");
      sales.sale("o3", "1997-01-02", SEATTLE, "7", "1");
      sales.sale("o4", "1997-01-01", "USA|WA|Spokane", "8", "-2.50");
      assertEquals(
          Map.of(
              key("1997-01-01", "Seattle"), value("1997-01-01", "Seattle", "12345678901234.8678", 2),
              key("1997-01-02", "Seattle"), value("1997-01-02", "Seattle", "1.0000", 1),
              key("1997-01-01", "Spokane"), value("1997-01-01", "Spokane", "-2.5000", 1)),
          sales.results());
    }
  }

  @Test
  void aLateLineIsAddedToItsDayAndDayEndsChangeNothing() {
    try (SalesDriver sales = open()) {
      sales.sale("o1", "1997-01-01", SEATTLE, "7", "1.0000");
      sales.raw("dayClosed", "{\"type\":\"dayClosed\",\"day\":\"1997-01-01\",\"ts\":\"1997-01-02T00:00:00Z\"}");
      sales.sale("o2", "2024-01-01", SEATTLE, "7", "5.0000");
      sales.results();
      sales.sale("o9", "1997-01-01", SEATTLE, "7", "2.0000");
      assertEquals(Map.of(key("1997-01-01", "Seattle"), value("1997-01-01", "Seattle", "3.0000", 2)), sales.results());
    }
  }

  @Test
  void anUnreadableRecordStopsTheStreamAndSaysWhere() {
    try (SalesDriver sales = open()) {
      sales.sale("o1", "1997-01-01", SEATTLE, "7", "1.0000");
      assertThrows(RuntimeException.class, () -> sales.raw(SEATTLE, new byte[] {(byte) 0xff, (byte) 0xfe, '{'}));
      FailureLog.Failure failure = sales.failures.first();
      assertTrue(failure.message().startsWith("not JSON"), failure.message());
      assertEquals(SalesDriver.INPUT, failure.topic());
      assertEquals(0, failure.partition());
      assertEquals(1L, failure.offset());
    }
  }

  @Test
  void aRecordNamedByAnOperatorIsPassedOver() {
    try (SalesDriver sales = open("sales.raw-0@0")) {
      sales.raw(SEATTLE, "{\"type\":\"sale\"}");
      sales.sale("o1", "1997-01-01", SEATTLE, "7", "1.0000");
      assertNull(sales.failures.first());
      assertEquals(1, sales.results().size());
    }
  }

  @Test
  void aKeyThatIsNotTheCityOfItsSaleIsRefused() {
    try (SalesDriver sales = open()) {
      assertThrows(RuntimeException.class, () -> sales.raw("USA|WA|Tacoma", """
          {"type":"sale","order_id":"o","order_date":"1997-01-01","country":"USA","state":"WA","city":"Seattle",
           "employee_key":"1","salesman":"A","amount":"1.0000"}"""));
      assertTrue(sales.failures.first().message().contains("USA|WA|Seattle"));
      assertEquals(0L, sales.failures.first().offset());
    }
  }
}
