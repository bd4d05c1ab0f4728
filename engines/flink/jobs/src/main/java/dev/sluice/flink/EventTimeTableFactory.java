package dev.sluice.flink;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicSource;
import org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicTableFactory;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSourceFactory;

/**
 * The connector {@code kafka-event-time}: Flink's Kafka source with the same options, read by {@link EventTimeSource}.
 *
 * <p>Use it with {@code ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, WATERMARK FOR ts AS SOURCE_WATERMARK()}:
 * the event time of a record is its Kafka timestamp.
 */
public final class EventTimeTableFactory implements DynamicTableSourceFactory {
  private final KafkaDynamicTableFactory kafka = new KafkaDynamicTableFactory();

  @Override
  public String factoryIdentifier() {
    return "kafka-event-time";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return kafka.requiredOptions();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return kafka.optionalOptions();
  }

  @Override
  public Set<ConfigOption<?>> forwardOptions() {
    return kafka.forwardOptions();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    return new EventTimeTableSource((KafkaDynamicSource) kafka.createDynamicTableSource(context));
  }
}
