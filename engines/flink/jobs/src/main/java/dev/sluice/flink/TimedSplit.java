package dev.sluice.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** A Kafka partition as it stands in a checkpoint: where to read on, and how far its event time had come. */
final class TimedSplit extends KafkaPartitionSplit {
  /** The event time of a partition of which nothing was read. */
  static final long NO_TIME = Long.MIN_VALUE;

  private final long watermark;

  TimedSplit(KafkaPartitionSplit split, long watermark) {
    super(split.getTopicPartition(), split.getStartingOffset(), split.getStoppingOffset().orElse(NO_STOPPING_OFFSET));
    this.watermark = watermark;
  }

  long watermark() {
    return watermark;
  }

  static long watermarkOf(KafkaPartitionSplit split) {
    return split instanceof TimedSplit timed ? timed.watermark : NO_TIME;
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other) && watermarkOf(this) == watermarkOf((KafkaPartitionSplit) other);
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + Long.hashCode(watermark);
  }

  /** Puts the event time and Kafka's own version before the bytes that Kafka's serializer makes of the split. */
  record Serializer(SimpleVersionedSerializer<KafkaPartitionSplit> kafka)
      implements SimpleVersionedSerializer<KafkaPartitionSplit> {
    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(KafkaPartitionSplit split) throws IOException {
      byte[] bytes = kafka.serialize(split);
      return ByteBuffer.allocate(Long.BYTES + Integer.BYTES + bytes.length)
          .putLong(watermarkOf(split))
          .putInt(kafka.getVersion())
          .put(bytes)
          .array();
    }

    @Override
    public KafkaPartitionSplit deserialize(int version, byte[] serialized) throws IOException {
      if (version != VERSION) {
        throw new IOException("unknown version of a partition's state: " + version);
      }
      ByteBuffer buffer = ByteBuffer.wrap(serialized);
      long watermark = buffer.getLong();
      int kafkaVersion = buffer.getInt();
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      return new TimedSplit(kafka.deserialize(kafkaVersion, bytes), watermark);
    }
  }
}
