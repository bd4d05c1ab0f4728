package dev.sluice.streams;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/**
 * Says how far the application's committed positions are behind the stable ends of all topics that it reads, its own
 * repartition topics included.
 *
 * <p>Committed positions are read before the ends. With exactly-once, a position is committed together with what was
 * written for it, so a lag of 0 proves that every result of the input seen so far is in the output topics.
 */
final class LagProbe implements AutoCloseable {
  private static final long CALL_MS = 5_000;

  private final Admin admin;
  private final String group;
  private final List<String> topics;

  LagProbe(String bootstrapServers, String group, List<String> topics) {
    Properties p = new Properties();
    p.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    p.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) CALL_MS);
    p.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) CALL_MS);
    p.put(AdminClientConfig.CLIENT_ID_CONFIG, group + "-lag");
    this.admin = Admin.create(p);
    this.group = group;
    this.topics = topics;
  }

  long total() throws InterruptedException, ExecutionException, TimeoutException {
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(CALL_MS, TimeUnit.MILLISECONDS);
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
    admin.describeTopics(topics).allTopicNames().get(CALL_MS, TimeUnit.MILLISECONDS).forEach((topic, description) ->
        description.partitions().forEach(info -> {
          TopicPartition partition = new TopicPartition(topic, info.partition());
          latest.put(partition, OffsetSpec.latest());
          if (committed.get(partition) == null) {
            earliest.put(partition, OffsetSpec.earliest());
          }
        }));
    Map<TopicPartition, ListOffsetsResultInfo> starts = offsets(earliest);
    long lag = 0;
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> end : offsets(latest).entrySet()) {
      OffsetAndMetadata at = committed.get(end.getKey());
      long position = at == null ? starts.get(end.getKey()).offset() : at.offset();
      lag += Math.max(0, end.getValue().offset() - position);
    }
    return lag;
  }

  private Map<TopicPartition, ListOffsetsResultInfo> offsets(Map<TopicPartition, OffsetSpec> wanted)
      throws InterruptedException, ExecutionException, TimeoutException {
    if (wanted.isEmpty()) {
      return Map.of();
    }
    return admin
        .listOffsets(wanted, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED))
        .all()
        .get(CALL_MS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    admin.close(Duration.ZERO);
  }
}
