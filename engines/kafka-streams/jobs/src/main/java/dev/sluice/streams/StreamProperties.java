package dev.sluice.streams;

import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.StreamsConfig;

/** Turns a stream spec into Kafka Streams properties; the guarantees are fixed here, only sizes come from params. */
final class StreamProperties {
  private StreamProperties() {}

  static Properties of(StreamSpec spec, FailureLog failures) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, spec.applicationId());
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, spec.kafka().bootstrapServers());
    p.put(StreamsConfig.CLIENT_ID_CONFIG, spec.instanceId());
    p.put(StreamsConfig.STATE_DIR_CONFIG, spec.stateDir());
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, spec.intParam("commitIntervalMs", 500));
    // -1 takes the broker's default.replication.factor: 1 on a local broker, the cluster's rule in production.
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, spec.intParam("replicationFactor", -1));
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, spec.intParam("threads", 1));
    p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, spec.intParam("standbyReplicas", 0));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, spec.intParam("cacheMb", 16) * 1024L * 1024L);
    p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, BoundedRocksDb.class.getName());
    p.put(StreamsConfig.ENSURE_EXPLICIT_INTERNAL_RESOURCE_NAMING_CONFIG, true);
    p.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, FailHandlers.OnDeserialization.class.getName());
    p.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG, FailHandlers.OnProcessing.class.getName());
    p.put(StreamsConfig.PRODUCTION_EXCEPTION_HANDLER_CLASS_CONFIG, FailHandlers.OnProduction.class.getName());
    p.put(FailureLog.CONFIG, failures);
    // Static membership: a crashed instance that comes back under its id takes its tasks again without a rebalance.
    p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), spec.instanceId());
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.ISOLATION_LEVEL_CONFIG), "read_committed");
    return p;
  }
}
