package dev.sluice.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SaleEventSerdeTest {
  private static final String GOOD = """
      {"type":"sale","order_id":"1","order_date":"1997-01-01","country":"A","state":"B","city":"C",
       "employee_key":"1","salesman":"S","amount":"1.0000"}""";

  @ParameterizedTest
  @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
      "\"amount\":\"1.0000\";\"amount\":1.0;amount must be text, got number",
      "\"amount\":\"1.0000\";\"amount\":\"1.00001\";amount must have at most 4 decimals, got '1.00001'",
      "\"amount\":\"1.0000\";\"amount\":\"1,50\";amount must be a decimal number as text, got '1,50'",
      "\"amount\":\"1.0000\";\"amount\":\"999999999999999\";amount must fit numeric(18,4), got '999999999999999'",
      "\"1997-01-01\";\"1997-02-30\";order_date must be a day like 1998-03-14, got '1997-02-30'",
      "\"1997-01-01\";\"1969-12-31\";order_date must not be before 1970-01-01, got 1969-12-31",
      "\"city\":\"C\";\"town\":\"C\";lacks city",
      "\"sale\";\"refund\";unknown type 'refund', expected sale or dayClosed"})
  void refusesWithAReadableReason(String good, String bad, String reason) {
    byte[] bytes = GOOD.replace(good, bad).getBytes(StandardCharsets.UTF_8);
    assertEquals(reason, assertThrows(SerializationException.class, () -> SaleEventSerde.read(bytes)).getMessage());
  }
}
