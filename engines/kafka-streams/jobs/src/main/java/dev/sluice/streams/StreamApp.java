package dev.sluice.streams;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyDescription;
import org.apache.kafka.streams.errors.MissingSourceTopicException;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one Kafka Streams application from a spec until it is told to stop.
 *
 * <p>A failed application stays up with its status page, state ERROR and the reason, until it gets SIGTERM: whoever
 * watches it decides what comes next. Exit codes: 0 stopped, 64 bad spec, 70 could not start, 73 the state directory
 * belongs to a living twin, 75 did not close in time.
 */
public final class StreamApp {
  /** Builds the application's topology from its spec. */
  public interface TopologyFactory {
    Topology build(StreamSpec spec);
  }

  static final int BAD_SPEC = 64;
  static final int CANNOT_START = 70;
  static final int STATE_LOCKED = 73;
  static final int CLOSE_TIMED_OUT = 75;
  private static final Duration CLOSE_WITHIN = Duration.ofSeconds(18);
  private static final Logger LOG = LoggerFactory.getLogger(StreamApp.class);

  private StreamApp() {}

  public static void run(String[] args, TopologyFactory factory) {
    StreamSpec spec;
    Topology topology;
    try {
      spec = StreamSpec.fromArguments(args);
      topology = factory.build(spec);
    } catch (IllegalArgumentException e) {
      LOG.error("refused: {}", e.getMessage());
      System.exit(BAD_SPEC);
      return;
    }
    try {
      serve(spec, topology);
    } catch (IOException | RuntimeException e) {
      LOG.error("could not start: {}", e.getMessage(), e);
      System.exit(isLocked(e) ? STATE_LOCKED : CANNOT_START);
    }
  }

  /** Kafka Streams has no exception of its own for a state directory that another process holds. */
  private static boolean isLocked(Exception error) {
    return error instanceof StreamsException && String.valueOf(error.getMessage()).contains("state directory");
  }

  private static void serve(StreamSpec spec, Topology topology) throws IOException {
    List<String> sources = sources(topology, spec.applicationId());
    FailureLog failures = new FailureLog(spec.wordsParam("skipRecords"));
    // The constructor takes the lock of the state directory, so a twin fails here, before it touches the status file.
    KafkaStreams streams = new KafkaStreams(topology, new StreamsConfig(StreamProperties.of(spec, failures)));
    streams.setUncaughtExceptionHandler(error -> {
      boolean missing = error instanceof MissingSourceTopicException;
      failures.record(missing ? new MissingSourceTopicException(error.getMessage() + ", it reads " + sources) : error, null);
      LOG.error("stream thread failed", error);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    LagProbe probe = new LagProbe(spec.kafka().bootstrapServers(), spec.applicationId(), sources);
    StreamStatus status = new StreamStatus(spec, streams, failures, probe);
    StatusServer server = new StatusServer(status::read);
    CountDownLatch closed = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      // Leaving the group frees its members at once, so a successor or another host need not wait for the session.
      boolean inTime = streams.close(CloseOptions
          .groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
          .withTimeout(CLOSE_WITHIN));
      status.close();
      server.close();
      probe.close();
      LOG.info("closed {} ({})", spec.applicationId(), inTime ? "clean" : "timed out");
      closed.countDown();
      Runtime.getRuntime().halt(inTime ? 0 : CLOSE_TIMED_OUT);
    }, "shutdown"));
    server.announce(Path.of(spec.statusFile()), spec.key());
    LOG.info("starting {} as {}, status on port {}", spec.applicationId(), spec.instanceId(), server.port());
    streams.start();
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The topics a topology reads; its repartition topics get the application id in front, as Kafka Streams does it. */
  private static List<String> sources(Topology topology, String applicationId) {
    return topology.describe().subtopologies().stream()
        .flatMap(sub -> sub.nodes().stream())
        .filter(TopologyDescription.Source.class::isInstance)
        .flatMap(node -> ((TopologyDescription.Source) node).topicSet().stream())
        .map(topic -> topic.endsWith("-repartition") ? applicationId + "-" + topic : topic)
        .distinct()
        .toList();
  }
}
