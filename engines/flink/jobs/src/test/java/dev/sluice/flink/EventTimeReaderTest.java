package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplitSerializer;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Watermarks leave with their record, are part of the split's state, and are said again for all splits together. */
class EventTimeReaderTest {
  private static final KafkaPartitionSplit ZERO = new KafkaPartitionSplit(new TopicPartition("t", 0), 7);
  private static final KafkaPartitionSplit ONE = new KafkaPartitionSplit(new TopicPartition("t", 1), 9, 20);

  @Test
  void sendsAWatermarkWithTheRecordThatMovesTime() throws Exception {
    FakeKafka kafka = new FakeKafka();
    EventTimeReader<String> reader = new EventTimeReader<>(kafka);
    reader.addSplits(List.of(ZERO, ONE));
    kafka.reads.add(output -> output.createOutputForSplit(ZERO.splitId()).collect("a", 100));
    kafka.reads.add(output -> output.createOutputForSplit(ZERO.splitId()).collect("b", 100));
    kafka.reads.add(output -> output.createOutputForSplit(ZERO.splitId()).collect("c", 50));
    kafka.reads.add(output -> output.createOutputForSplit(ONE.splitId()).collect("d", 60));
    Recorder out = new Recorder();
    for (int i = 0; i < 4; i++) {
      reader.pollNext(out);
    }
    assertEquals(
        List.of("t-0 a@100", "t-0 wm 99", "t-0 b@100", "t-0 c@50", "t-1 d@60", "t-1 wm 59"), withoutOpens(out.log));
    assertEquals(List.of(99L, 59L), reader.snapshotState(1).stream().map(TimedSplit::watermarkOf).toList());
  }

  @Test
  void opensAllSplitsBeforeItSaysTheirTimeAgain() throws Exception {
    EventTimeReader<String> reader = new EventTimeReader<>(new FakeKafka());
    reader.addSplits(List.of(new TimedSplit(ZERO, 99), ONE));
    assertTrue(reader.isAvailable().isDone());
    Recorder out = new Recorder();
    reader.pollNext(out);
    reader.pollNext(out);
    assertEquals(List.of("open t-0", "open t-1"), out.log.subList(0, 2).stream().sorted().toList());
    assertEquals(List.of("t-0 wm 99"), withoutOpens(out.log));
    assertEquals(
        List.of(99L, TimedSplit.NO_TIME), reader.snapshotState(1).stream().map(TimedSplit::watermarkOf).toList());
  }

  @Test
  void keepsOffsetsAndTimeInTheState() throws IOException {
    var serializer = new TimedSplit.Serializer(new KafkaPartitionSplitSerializer());
    for (KafkaPartitionSplit split : List.of(new TimedSplit(ONE, 99), new TimedSplit(ZERO, TimedSplit.NO_TIME))) {
      assertEquals(split, serializer.deserialize(serializer.getVersion(), serializer.serialize(split)));
    }
    assertEquals(TimedSplit.NO_TIME, TimedSplit.watermarkOf(serializer.deserialize(1, serializer.serialize(ZERO))));
    assertThrows(IOException.class, () -> serializer.deserialize(2, serializer.serialize(ZERO)));
  }

  private static List<String> withoutOpens(List<String> log) {
    return log.stream().filter(line -> !line.startsWith("open")).toList();
  }

  /** Plays prepared reads, one per poll, and keeps its splits as they were added. */
  private static final class FakeKafka implements SourceReader<String, KafkaPartitionSplit> {
    final Deque<Consumer<ReaderOutput<String>>> reads = new ArrayDeque<>();
    private final List<KafkaPartitionSplit> splits = new ArrayList<>();

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<String> output) {
      if (!reads.isEmpty()) {
        reads.remove().accept(output);
      }
      return InputStatus.NOTHING_AVAILABLE;
    }

    @Override
    public List<KafkaPartitionSplit> snapshotState(long checkpointId) {
      return splits;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return new CompletableFuture<>();
    }

    @Override
    public void addSplits(List<KafkaPartitionSplit> added) {
      splits.addAll(added);
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }

  /** Notes what reaches Flink, by split. */
  private static final class Recorder implements ReaderOutput<String> {
    final List<String> log = new ArrayList<>();

    @Override
    public SourceOutput<String> createOutputForSplit(String split) {
      log.add("open " + split);
      return new SplitRecorder(split);
    }

    @Override
    public void releaseOutputForSplit(String split) {
      log.add("release " + split);
    }

    @Override
    public void collect(String record) {
      log.add(record);
    }

    @Override
    public void collect(String record, long timestamp) {
      log.add(record + "@" + timestamp);
    }

    @Override
    public void emitWatermark(Watermark watermark) {
      log.add("wm " + watermark.getTimestamp());
    }

    @Override
    public void markIdle() {}

    @Override
    public void markActive() {}

    private final class SplitRecorder implements SourceOutput<String> {
      private final String split;

      SplitRecorder(String split) {
        this.split = split;
      }

      @Override
      public void collect(String record) {
        log.add(split + " " + record);
      }

      @Override
      public void collect(String record, long timestamp) {
        log.add(split + " " + record + "@" + timestamp);
      }

      @Override
      public void emitWatermark(Watermark watermark) {
        log.add(split + " wm " + watermark.getTimestamp());
      }

      @Override
      public void markIdle() {}

      @Override
      public void markActive() {}
    }
  }
}
