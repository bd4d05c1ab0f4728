package dev.sluice.streams;

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProcessingExceptionHandler;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fail-and-say-where handlers: a poison record stops the stream, unless an operator named it in skipRecords. */
final class FailHandlers {
  private static final Logger LOG = LoggerFactory.getLogger(FailHandlers.class);

  private FailHandlers() {}

  private static FailureLog logOf(Map<String, ?> configs) {
    return (FailureLog) configs.get(FailureLog.CONFIG);
  }

  private static boolean passesOver(FailureLog failures, ErrorHandlerContext context, Exception error) {
    if (failures.maySkip(context)) {
      LOG.warn("skipped {}-{}@{} on request: {}", context.topic(), context.partition(), context.offset(), error.toString());
      return true;
    }
    failures.record(error, context);
    return false;
  }

  /** For records whose bytes cannot be read. */
  public static final class OnDeserialization implements DeserializationExceptionHandler {
    private FailureLog failures;

    @Override
    public void configure(Map<String, ?> configs) {
      failures = logOf(configs);
    }

    @Override
    public Response handleError(ErrorHandlerContext context, ConsumerRecord<byte[], byte[]> record, Exception error) {
      return passesOver(failures, context, error) ? Response.resume() : Response.fail();
    }
  }

  /** For records that a processor refuses. */
  public static final class OnProcessing implements ProcessingExceptionHandler {
    private FailureLog failures;

    @Override
    public void configure(Map<String, ?> configs) {
      failures = logOf(configs);
    }

    @Override
    public Response handleError(ErrorHandlerContext context, Record<?, ?> record, Exception error) {
      return passesOver(failures, context, error) ? Response.resume() : Response.fail();
    }
  }

  /** For results that cannot be written: never passed over, since a lost result would be a wrong table. */
  public static final class OnProduction implements ProductionExceptionHandler {
    private FailureLog failures;

    @Override
    public void configure(Map<String, ?> configs) {
      failures = logOf(configs);
    }

    @Override
    public Response handleError(ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception error) {
      if (error instanceof org.apache.kafka.common.errors.RetriableException) {
        return Response.retry();
      }
      failures.record(error, context);
      return Response.fail();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Response handleSerializationError(
        ErrorHandlerContext context, ProducerRecord record, Exception error, SerializationExceptionOrigin origin) {
      failures.record(error, context);
      return Response.fail();
    }
  }
}
