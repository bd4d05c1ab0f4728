package dev.sluice.flink;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.InputStatus;

/**
 * Reads Kafka partitions and moves the event time of each with the very record that causes it.
 *
 * <p>A partition's watermark is its highest record timestamp less one millisecond. Because it leaves together with the
 * record, a checkpoint never holds an offset whose watermark was not yet sent.
 */
final class EventTimeReader<T> implements SourceReader<T, KafkaPartitionSplit> {
  private final SourceReader<T, KafkaPartitionSplit> kafka;

  /** Event time by split; also of splits that have none yet, so that they hold the common watermark back. */
  private final Map<String, Long> watermarks = new HashMap<>();

  private ReaderOutput<T> output;
  private TimedOutput timed;
  private boolean newSplits;

  EventTimeReader(SourceReader<T, KafkaPartitionSplit> kafka) {
    this.kafka = kafka;
  }

  @Override
  public void addSplits(List<KafkaPartitionSplit> splits) {
    splits.forEach(split -> watermarks.put(split.splitId(), TimedSplit.watermarkOf(split)));
    newSplits = true;
    kafka.addSplits(splits);
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> target) throws Exception {
    if (target != output) {
      output = target;
      timed = new TimedOutput(target);
    }
    if (newSplits) {
      newSplits = false;
      // All outputs first: one that is missing would not be counted in the minimum over the partitions.
      watermarks.keySet().forEach(target::createOutputForSplit);
      watermarks.forEach(
          (split, watermark) -> {
            if (watermark != TimedSplit.NO_TIME) {
              target.createOutputForSplit(split).emitWatermark(new Watermark(watermark));
            }
          });
    }
    return kafka.pollNext(timed);
  }

  @Override
  public List<KafkaPartitionSplit> snapshotState(long checkpointId) {
    return kafka.snapshotState(checkpointId).stream()
        .<KafkaPartitionSplit>map(
            split -> new TimedSplit(split, watermarks.getOrDefault(split.splitId(), TimedSplit.NO_TIME)))
        .toList();
  }

  @Override
  public void start() {
    kafka.start();
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return newSplits ? CompletableFuture.completedFuture(null) : kafka.isAvailable();
  }

  @Override
  public void notifyNoMoreSplits() {
    kafka.notifyNoMoreSplits();
  }

  @Override
  public void handleSourceEvents(SourceEvent event) {
    kafka.handleSourceEvents(event);
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    kafka.notifyCheckpointComplete(checkpointId);
  }

  @Override
  public void notifyCheckpointAborted(long checkpointId) throws Exception {
    kafka.notifyCheckpointAborted(checkpointId);
  }

  @Override
  public void pauseOrResumeSplits(Collection<String> toPause, Collection<String> toResume) {
    kafka.pauseOrResumeSplits(toPause, toResume);
  }

  @Override
  public void close() throws Exception {
    kafka.close();
  }

  /** Hands out outputs that follow each split's event time. */
  private final class TimedOutput implements ReaderOutput<T> {
    private final ReaderOutput<T> target;

    TimedOutput(ReaderOutput<T> target) {
      this.target = target;
    }

    @Override
    public SourceOutput<T> createOutputForSplit(String split) {
      return new SplitOutput(split, target.createOutputForSplit(split));
    }

    @Override
    public void releaseOutputForSplit(String split) {
      watermarks.remove(split);
      target.releaseOutputForSplit(split);
    }

    @Override
    public void collect(T record) {
      target.collect(record);
    }

    @Override
    public void collect(T record, long timestamp) {
      target.collect(record, timestamp);
    }

    @Override
    public void emitWatermark(Watermark watermark) {
      target.emitWatermark(watermark);
    }

    @Override
    public void markIdle() {
      target.markIdle();
    }

    @Override
    public void markActive() {
      target.markActive();
    }
  }

  /** Sends a record and, where its time is new, the watermark that follows from it. */
  private final class SplitOutput implements SourceOutput<T> {
    private final String split;
    private final SourceOutput<T> target;

    SplitOutput(String split, SourceOutput<T> target) {
      this.split = split;
      this.target = target;
    }

    @Override
    public void collect(T record) {
      target.collect(record);
    }

    @Override
    public void collect(T record, long timestamp) {
      target.collect(record, timestamp);
      long watermark = timestamp - 1;
      if (watermark > watermarks.getOrDefault(split, TimedSplit.NO_TIME)) {
        watermarks.put(split, watermark);
        target.emitWatermark(new Watermark(watermark));
      }
    }

    @Override
    public void emitWatermark(Watermark watermark) {
      target.emitWatermark(watermark);
    }

    @Override
    public void markIdle() {
      target.markIdle();
    }

    @Override
    public void markActive() {
      target.markActive();
    }
  }
}
