package dev.sluice.flink;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.api.config.TableConfigOptions;
import org.apache.flink.util.TimeUtils;

/**
 * The environment every stream job runs in: UTC, exactly-once checkpoints that outlive the job.
 *
 * <p>Results are keyed upserts flushed before a checkpoint completes, and offsets are committed when it has: a committed
 * offset therefore means that all results up to it are in their topics.
 */
final class JobEnvironment {
  private static final String DEFAULT_CHECKPOINT_INTERVAL = "5 s";

  private JobEnvironment() {}

  static StreamTableEnvironment create(JobSpec spec) {
    return StreamTableEnvironment.create(StreamExecutionEnvironment.getExecutionEnvironment(configuration(spec)));
  }

  static Configuration configuration(JobSpec spec) {
    Configuration config = new Configuration();
    config.set(PipelineOptions.NAME, jobName(spec));
    config.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval(spec));
    config.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    config.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION, ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    config.set(TableConfigOptions.LOCAL_TIME_ZONE, "UTC");
    return config;
  }

  static String jobName(JobSpec spec) {
    return spec.tag() + " " + spec.name();
  }

  private static Duration checkpointInterval(JobSpec spec) {
    String text = spec.value("params.checkpoint_interval", DEFAULT_CHECKPOINT_INTERVAL);
    Duration interval;
    try {
      interval = TimeUtils.parseDuration(text);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("params.checkpoint_interval is not a duration such as 5s: " + text);
    }
    if (interval.isZero() || interval.isNegative()) {
      throw new IllegalArgumentException("params.checkpoint_interval must be above zero: " + text);
    }
    return interval;
  }
}
