package dev.sluice.streams;

import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.streams.errors.ErrorHandlerContext;

/** Keeps the first failure of the application with the place of the record that caused it, for the status page. */
public final class FailureLog {
  /** Property under which the handlers, which Kafka Streams makes by class name, find the application's log. */
  static final String CONFIG = "sluice.failure.log";

  /** What stopped the stream; the place is null when no single record is to blame. */
  public record Failure(String type, String message, String topic, Integer partition, Long offset) {}

  private static final int MAX_MESSAGE = 2000;

  private final Set<String> skipped;
  private final AtomicReference<Failure> first = new AtomicReference<>();

  /** @param skipped records that may be passed over, each written {@code topic-partition@offset} */
  public FailureLog(Set<String> skipped) {
    this.skipped = Set.copyOf(skipped);
  }

  /** Whether an operator named this very record to be passed over. */
  boolean maySkip(ErrorHandlerContext context) {
    return skipped.contains(context.topic() + "-" + context.partition() + "@" + context.offset());
  }

  void record(Throwable error, ErrorHandlerContext context) {
    boolean placed = context != null && context.topic() != null && context.offset() >= 0;
    Throwable root = rootOf(error);
    first.compareAndSet(
        null,
        new Failure(
            root.getClass().getName(),
            clip(root.getMessage()),
            placed ? context.topic() : null,
            placed ? context.partition() : null,
            placed ? context.offset() : null));
  }

  /** The first failure, or null while all is well. */
  public Failure first() {
    return first.get();
  }

  private static Throwable rootOf(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return root;
  }

  private static String clip(String message) {
    if (message == null) {
      return "no message";
    }
    return message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE) + "…";
  }
}
