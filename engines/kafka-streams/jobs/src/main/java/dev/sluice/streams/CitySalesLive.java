package dev.sluice.streams;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.streams.SaleEvent.Sale;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Keeps running totals per day and city: exact sales and the number of different orders.
 *
 * <p>The input is keyed by city already, so nothing is repartitioned: a day is a one-day window over the city's key.
 * The window store caches, and Kafka Streams flushes caches inside the transaction that commits the input positions.
 * So each changed total is written once per commit, and committed positions never run ahead of the results.
 */
public final class CitySalesLive {
  static final String INPUT = "sales";
  static final String OUTPUT = "city_sales_live";

  /** Totals stay open for good: a late line is added to its day, whatever its age. */
  private static final Duration NEVER_CLOSED = Duration.ofDays(36_500);

  private static final ObjectMapper JSON = new ObjectMapper();

  /** A day's total of a city; sales is text, so that it never becomes a float on its way. */
  record CityTotal(String country, String state, String city, String sales, long orders) {
    static CityTotal none() {
      return new CityTotal(null, null, null, "0.0000", 0);
    }

    CityTotal plus(OrderLine line) {
      Sale sale = line.sale();
      return new CityTotal(
          sale.country(),
          sale.state(),
          sale.city(),
          new BigDecimal(sales).add(sale.amount()).toPlainString(),
          orders + (line.firstOfOrder() ? 1 : 0));
    }
  }

  private CitySalesLive() {}

  public static void main(String[] args) {
    StreamApp.run(args, CitySalesLive::topology);
  }

  static Topology topology(StreamSpec spec) {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(
            spec.inputTopic(INPUT),
            Consumed.<String, SaleEvent>with(Serdes.String(), SaleEventSerde.serde())
                .withTimestampExtractor(orderDay())
                .withName("sales"))
        .filter((key, event) -> event instanceof Sale, Named.as("sale-lines"))
        .mapValues(CitySalesLive::checkedSale, Named.as("checked-sales"))
        .processValues(
            FirstOfOrder.supplier("seen-orders", sale -> StoreKeys.join(sale.orderDate().toString(), cityKey(sale))),
            Named.as("first-of-order"))
        .groupByKey(Grouped.as("by-city"))
        .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofDays(1), NEVER_CLOSED))
        .aggregate(
            CityTotal::none,
            (key, line, total) -> total.plus(line),
            Named.as("add-up"),
            Materialized.<String, CityTotal, WindowStore<Bytes, byte[]>>as("city-totals")
                .withKeySerde(Serdes.String())
                .withValueSerde(JsonSerde.of(CityTotal.class))
                .withCachingEnabled())
        .toStream(Named.as("changed-totals"))
        .map(CitySalesLive::row, Named.as("rows"))
        .to(spec.outputTopic(OUTPUT), Produced.with(Serdes.String(), Serdes.String()).withName("results"));
    return builder.build();
  }

  /** The window of a line is its order date, not the time somebody wrote the record. */
  private static TimestampExtractor orderDay() {
    return (record, partitionTime) -> record.value() instanceof Sale sale
        ? sale.orderDate().atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli()
        : Math.max(0, record.timestamp());
  }

  private static String cityKey(Sale sale) {
    return sale.country() + "|" + sale.state() + "|" + sale.city();
  }

  /** Under a wrong key a city's lines would be added up in two partitions, and both totals would be wrong. */
  private static Sale checkedSale(String key, SaleEvent event) {
    Sale sale = (Sale) event;
    if (!cityKey(sale).equals(key)) {
      throw new IllegalArgumentException(
          "the record's key '" + key + "' is not the country|state|city of its sale, '" + cityKey(sale) + "'");
    }
    return sale;
  }

  private static KeyValue<String, String> row(Windowed<String> window, CityTotal total) {
    String day = LocalDate.ofInstant(Instant.ofEpochMilli(window.window().start()), ZoneOffset.UTC).toString();
    ObjectNode key = JSON.createObjectNode()
        .put("business_date", day)
        .put("country", total.country())
        .put("state", total.state())
        .put("city", total.city());
    ObjectNode value = key.deepCopy().put("sales", total.sales()).put("orders", total.orders());
    return KeyValue.pair(key.toString(), value.toString());
  }
}
