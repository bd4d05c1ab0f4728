package dev.sluice.flink;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.transformations.SourceTransformation;
import org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicSource;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.connector.source.abilities.SupportsSourceWatermark;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;

/** Flink's Kafka table with its source wrapped, so that watermarks come from the source and outlive a restart. */
record EventTimeTableSource(KafkaDynamicSource kafka)
    implements ScanTableSource, SupportsReadingMetadata, SupportsSourceWatermark {

  @Override
  public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
    DataStreamScanProvider provider = (DataStreamScanProvider) kafka.getScanRuntimeProvider(context);
    return new DataStreamScanProvider() {
      @Override
      public DataStream<RowData> produceDataStream(ProviderContext providers, StreamExecutionEnvironment env) {
        return withEventTime(provider.produceDataStream(providers, env), env);
      }

      @Override
      public boolean isBounded() {
        return provider.isBounded();
      }

      @Override
      public Optional<Integer> getParallelism() {
        return provider.getParallelism();
      }
    };
  }

  /** A source stream is only a description until the job is built, so the unwrapped one simply stays unused. */
  private static DataStream<RowData> withEventTime(DataStream<RowData> stream, StreamExecutionEnvironment env) {
    SourceTransformation<?, ?, ?> plain = (SourceTransformation<?, ?, ?>) stream.getTransformation();
    @SuppressWarnings("unchecked") // It is the source of a stream of RowData.
    KafkaSource<RowData> source = (KafkaSource<RowData>) plain.getSource();
    DataStreamSource<RowData> timed =
        env.fromSource(new EventTimeSource<>(source), WatermarkStrategy.noWatermarks(), plain.getName());
    if (plain.getUid() != null) {
      timed.uid(plain.getUid());
    }
    return timed;
  }

  @Override
  public void applySourceWatermark() {
    // The source sends watermarks whether or not the table asks for them.
  }

  @Override
  public Map<String, DataType> listReadableMetadata() {
    return kafka.listReadableMetadata();
  }

  @Override
  public void applyReadableMetadata(List<String> keys, DataType type) {
    kafka.applyReadableMetadata(keys, type);
  }

  @Override
  public boolean supportsMetadataProjection() {
    return kafka.supportsMetadataProjection();
  }

  @Override
  public ChangelogMode getChangelogMode() {
    return kafka.getChangelogMode();
  }

  @Override
  public DynamicTableSource copy() {
    return new EventTimeTableSource((KafkaDynamicSource) kafka.copy());
  }

  @Override
  public String asSummaryString() {
    return kafka.asSummaryString() + " with event time";
  }
}
