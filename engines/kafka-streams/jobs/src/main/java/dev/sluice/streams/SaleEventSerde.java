package dev.sluice.streams;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** Reads and writes events of the sales topic; anything that is not exactly one is refused with a readable reason. */
final class SaleEventSerde {
  /** The largest value of numeric(18,4). */
  private static final int MAX_PRECISION = 18;

  private static final int SCALE = 4;
  private static final LocalDate FIRST_DAY = LocalDate.EPOCH;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private SaleEventSerde() {}

  static Serde<SaleEvent> serde() {
    Serializer<SaleEvent> writer = (topic, event) -> event == null ? null : write(event);
    Deserializer<SaleEvent> reader = (topic, bytes) -> read(bytes);
    return Serdes.serdeFrom(writer, reader);
  }

  static SaleEvent read(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    JsonNode node;
    try {
      node = JSON.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new SerializationException("not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new SerializationException("not JSON: " + e.getMessage());
    }
    if (node == null || !node.isObject()) {
      throw new SerializationException("not a JSON object");
    }
    String type = text(node, "type");
    return switch (type) {
      case "sale" -> new SaleEvent.Sale(
          text(node, "order_id"),
          day(node, "order_date"),
          text(node, "country"),
          text(node, "state"),
          text(node, "city"),
          text(node, "employee_key"),
          text(node, "salesman"),
          amount(node));
      case "dayClosed" -> new SaleEvent.DayClosed(day(node, "day"));
      default -> throw new SerializationException("unknown type '" + type + "', expected sale or dayClosed");
    };
  }

  private static byte[] write(SaleEvent event) {
    var node = JSON.createObjectNode();
    if (event instanceof SaleEvent.Sale sale) {
      node.put("type", "sale")
          .put("order_id", sale.orderId())
          .put("order_date", sale.orderDate().toString())
          .put("country", sale.country())
          .put("state", sale.state())
          .put("city", sale.city())
          .put("employee_key", sale.employeeKey())
          .put("salesman", sale.salesman())
          .put("amount", sale.amount().toPlainString());
    } else if (event instanceof SaleEvent.DayClosed closed) {
      node.put("type", "dayClosed").put("day", closed.day().toString());
    }
    return node.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String text(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      throw new SerializationException("lacks " + field);
    }
    if (!value.isTextual()) {
      throw new SerializationException(field + " must be text, got " + value.getNodeType().name().toLowerCase());
    }
    return value.textValue();
  }

  private static LocalDate day(JsonNode node, String field) {
    String value = text(node, field);
    LocalDate day;
    try {
      day = LocalDate.parse(value);
    } catch (DateTimeException e) {
      throw new SerializationException(field + " must be a day like 1998-03-14, got '" + value + "'");
    }
    if (day.isBefore(FIRST_DAY)) {
      throw new SerializationException(field + " must not be before " + FIRST_DAY + ", got " + value);
    }
    return day;
  }

  private static BigDecimal amount(JsonNode node) {
    String value = text(node, "amount");
    BigDecimal amount;
    try {
      amount = new BigDecimal(value).setScale(SCALE, RoundingMode.UNNECESSARY);
    } catch (NumberFormatException e) {
      throw new SerializationException("amount must be a decimal number as text, got '" + value + "'");
    } catch (ArithmeticException e) {
      throw new SerializationException("amount must have at most " + SCALE + " decimals, got '" + value + "'");
    }
    if (amount.precision() > MAX_PRECISION) {
      throw new SerializationException("amount must fit numeric(18,4), got '" + value + "'");
    }
    return amount;
  }
}
