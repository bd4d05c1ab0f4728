package dev.sluice.streams;

import dev.sluice.streams.SaleEvent.Sale;
import java.util.Set;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Marks the first line of each order within a scope by a store of (scope, order id) pairs.
 *
 * <p>One small write per new order; a set kept as the aggregate's value would be rewritten whole with each line.
 */
final class FirstOfOrder implements FixedKeyProcessor<String, Sale, OrderLine> {
  private static final byte[] SEEN = {1};

  private final String storeName;
  private final Function<Sale, String> scope;
  private FixedKeyProcessorContext<String, OrderLine> context;
  private KeyValueStore<String, byte[]> seen;

  private FirstOfOrder(String storeName, Function<Sale, String> scope) {
    this.storeName = storeName;
    this.scope = scope;
  }

  /** @param scope what an order is counted in, for example its day and city */
  static FixedKeyProcessorSupplier<String, Sale, OrderLine> supplier(String storeName, Function<Sale, String> scope) {
    return new FixedKeyProcessorSupplier<>() {
      @Override
      public FixedKeyProcessor<String, Sale, OrderLine> get() {
        return new FirstOfOrder(storeName, scope);
      }

      @Override
      public Set<StoreBuilder<?>> stores() {
        return Set.of(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(storeName), Serdes.String(), Serdes.ByteArray()));
      }
    };
  }

  @Override
  public void init(FixedKeyProcessorContext<String, OrderLine> context) {
    this.context = context;
    this.seen = context.getStateStore(storeName);
  }

  @Override
  public void process(FixedKeyRecord<String, Sale> record) {
    Sale sale = record.value();
    boolean first = seen.putIfAbsent(StoreKeys.join(scope.apply(sale), sale.orderId()), SEEN) == null;
    context.forward(record.withValue(new OrderLine(sale, first)));
  }
}
