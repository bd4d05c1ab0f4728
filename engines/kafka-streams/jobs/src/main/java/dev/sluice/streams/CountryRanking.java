package dev.sluice.streams;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** Adds sale lines up per salesman and turns a country's totals into its ranking. */
final class CountryRanking {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A salesman's total in one country; sales is text, so that it never becomes a float on its way. */
  record SalesmanTotal(String country, String employeeKey, String salesman, String sales, long orders) {
    BigDecimal amount() {
      return new BigDecimal(sales);
    }
  }

  private CountryRanking() {}

  /** Adds each line to its salesman's total and passes on how many orders that salesman now has. */
  static FixedKeyProcessorSupplier<String, OrderLine, Long> addUp(String totals) {
    return () -> new OverTotals<>(totals) {
      @Override
      Long apply(String country, OrderLine line) {
        var sale = line.sale();
        String key = StoreKeys.join(country, sale.employeeKey());
        SalesmanTotal before = store().get(key);
        BigDecimal sales = before == null ? sale.amount() : before.amount().add(sale.amount());
        long orders = (before == null ? 0 : before.orders()) + (line.firstOfOrder() ? 1 : 0);
        store().put(
            key, new SalesmanTotal(country, sale.employeeKey(), sale.salesman(), sales.toPlainString(), orders));
        return orders;
      }
    };
  }

  /** Answers a touched country with the JSON of its whole ranking as it is now. */
  static FixedKeyProcessorSupplier<String, Long, String> rank(String totals) {
    return () -> new OverTotals<>(totals) {
      @Override
      String apply(String country, Long touched) {
        List<SalesmanTotal> rows = new ArrayList<>();
        try (KeyValueIterator<String, SalesmanTotal> found =
            store().prefixScan(StoreKeys.join(country), new StringSerializer())) {
          found.forEachRemaining(each -> rows.add(each.value));
        }
        return ranking(country, rows);
      }
    };
  }

  /** Competition ranks (1, 2, 2, 4) by sales, rows of the same rank in the order of their employee keys. */
  static String ranking(String country, List<SalesmanTotal> totals) {
    List<SalesmanTotal> sorted = new ArrayList<>(totals);
    sorted.sort(Comparator.comparing(SalesmanTotal::amount).reversed().thenComparing(SalesmanTotal::employeeKey));
    ObjectNode value = JSON.createObjectNode().put("country", country);
    ArrayNode rows = value.putArray("rows");
    long rank = 0;
    BigDecimal above = null;
    for (int i = 0; i < sorted.size(); i++) {
      SalesmanTotal total = sorted.get(i);
      if (above == null || total.amount().compareTo(above) != 0) {
        rank = i + 1;
        above = total.amount();
      }
      rows.addObject()
          .put("country", country)
          .put("employee_key", total.employeeKey())
          .put("salesman", total.salesman())
          .put("sales", total.sales())
          .put("orders", total.orders())
          .put("rank", rank);
    }
    return value.toString();
  }

  /** A step from one value to another with the totals at hand. */
  private abstract static class OverTotals<V, R> implements FixedKeyProcessor<String, V, R> {
    private final String name;
    private FixedKeyProcessorContext<String, R> context;
    private KeyValueStore<String, SalesmanTotal> store;

    OverTotals(String name) {
      this.name = name;
    }

    abstract R apply(String country, V value);

    KeyValueStore<String, SalesmanTotal> store() {
      return store;
    }

    @Override
    public void init(FixedKeyProcessorContext<String, R> context) {
      this.context = context;
      this.store = context.getStateStore(name);
    }

    @Override
    public void process(FixedKeyRecord<String, V> record) {
      context.forward(record.withValue(apply(record.key(), record.value())));
    }
  }
}
