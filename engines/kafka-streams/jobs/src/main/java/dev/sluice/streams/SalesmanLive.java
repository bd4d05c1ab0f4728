package dev.sluice.streams;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.streams.CountryRanking.SalesmanTotal;
import dev.sluice.streams.SaleEvent.Sale;
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
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Keeps the all-time ranking of salesmen per country and writes it whole, one value per country.
 *
 * <p>Sales arrive keyed by city and are repartitioned by country. A line updates only its salesman's total and touches
 * its country in a caching table. Kafka Streams flushes that cache when it is full and before each commit, inside the
 * transaction that commits the positions on the repartition topic; a flushed country gets its ranking computed from the
 * totals and written. So a country is ranked once per commit however many lines it had, and when the positions on the
 * input and on the repartition topic have reached the ends, the final ranking is in the output. A timer could not
 * promise that: a commit may fall between a change and the next tick, and a crash then forgets the change.
 */
public final class SalesmanLive {
  static final String INPUT = "sales";
  static final String OUTPUT = "salesman_live";
  private static final String TOTALS = "salesman-totals";
  private static final ObjectMapper JSON = new ObjectMapper();

  private SalesmanLive() {}

  public static void main(String[] args) {
    StreamApp.run(args, SalesmanLive::topology);
  }

  static Topology topology(StreamSpec spec) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(TOTALS), Serdes.String(), JsonSerde.of(SalesmanTotal.class))
            .withCachingEnabled());
    builder
        .stream(
            spec.inputTopic(INPUT),
            Consumed.<String, SaleEvent>with(Serdes.String(), SaleEventSerde.serde()).withName("sales"))
        .filter((key, event) -> event instanceof Sale, Named.as("sale-lines"))
        .selectKey((key, event) -> ((Sale) event).country(), Named.as("country-key"))
        .repartition(
            Repartitioned.<String, SaleEvent>as("sales-by-country")
                .withKeySerde(Serdes.String())
                .withValueSerde(SaleEventSerde.serde()))
        .mapValues(event -> (Sale) event, Named.as("country-sales"))
        .processValues(
            FirstOfOrder.supplier("seen-orders", sale -> StoreKeys.join(sale.country(), sale.employeeKey())),
            Named.as("first-of-order"))
        .processValues(CountryRanking.addUp(TOTALS), Named.as("add-up"), TOTALS)
        .groupByKey(Grouped.with("by-country", Serdes.String(), Serdes.Long()))
        .reduce(
            (before, now) -> now,
            Named.as("touch"),
            Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("touched-countries")
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long())
                .withCachingEnabled())
        .toStream(Named.as("changed-countries"))
        .processValues(CountryRanking.rank(TOTALS), Named.as("rank"), TOTALS)
        .map(
            (country, ranking) -> KeyValue.pair(JSON.createObjectNode().put("country", country).toString(), ranking),
            Named.as("rows"))
        .to(spec.outputTopic(OUTPUT), Produced.with(Serdes.String(), Serdes.String()).withName("results"));
    return builder.build();
  }
}
