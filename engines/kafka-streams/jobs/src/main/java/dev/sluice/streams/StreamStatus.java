package dev.sluice.streams;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.streams.KafkaStreams;

/** Gathers what the status page shows; lag is refreshed in the background, so that a slow broker never blocks the page. */
final class StreamStatus implements AutoCloseable {
  private static final long REFRESH_MS = 1_000;

  private final StreamSpec spec;
  private final KafkaStreams streams;
  private final FailureLog failures;
  private final long startedAt = System.currentTimeMillis();
  private final ScheduledExecutorService refresher = Executors.newSingleThreadScheduledExecutor(run -> {
    Thread thread = new Thread(run, "lag");
    thread.setDaemon(true);
    return thread;
  });
  private volatile Long lag;
  private volatile Long lagAt;

  StreamStatus(StreamSpec spec, KafkaStreams streams, FailureLog failures, LagProbe probe) {
    this.spec = spec;
    this.streams = streams;
    this.failures = failures;
    refresher.scheduleWithFixedDelay(() -> refresh(probe), REFRESH_MS, REFRESH_MS, TimeUnit.MILLISECONDS);
  }

  private void refresh(LagProbe probe) {
    try {
      lag = probe.total();
      lagAt = System.currentTimeMillis();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      // Topics not made yet or brokers away: unknown is not zero.
      lag = null;
    }
  }

  Map<String, Object> read() {
    Map<String, Object> page = new LinkedHashMap<>();
    page.put("key", spec.key());
    page.put("tag", spec.tag());
    page.put("applicationId", spec.applicationId());
    page.put("instanceId", spec.instanceId());
    page.put("generation", spec.generation());
    page.put("pid", ProcessHandle.current().pid());
    page.put("state", streams.state().name());
    page.put("lag", lag);
    page.put("lagAgeMs", lagAt == null ? null : System.currentTimeMillis() - lagAt);
    page.put("uptimeMs", System.currentTimeMillis() - startedAt);
    page.put("records", records());
    page.put("error", error());
    return page;
  }

  private long records() {
    double total = 0;
    for (Map.Entry<MetricName, ? extends Metric> each : streams.metrics().entrySet()) {
      if (each.getKey().name().equals("process-total") && each.getKey().group().equals("stream-thread-metrics")
          && each.getValue().metricValue() instanceof Double value) {
        total += value;
      }
    }
    return (long) total;
  }

  private Map<String, Object> error() {
    FailureLog.Failure failure = failures.first();
    if (failure == null) {
      return null;
    }
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("class", failure.type());
    error.put("message", failure.message());
    error.put("topic", failure.topic());
    error.put("partition", failure.partition());
    error.put("offset", failure.offset());
    return error;
  }

  @Override
  public void close() {
    refresher.shutdownNow();
  }
}
