package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;

/** Who is to blame, by the kind of the exception anywhere in its chain. */
class FailureTest {
  private static Failure of(Throwable thrown) {
    return Failure.of(thrown, new LostExecutors());
  }

  @Test
  void blamesByKind() {
    assertEquals(Failure.Blame.RESOURCES, of(new SparkException("x", new OutOfMemoryError("heap"))).blame());
    assertEquals(Failure.Blame.PLATFORM, of(new SparkException("x", new IOException("reset"))).blame());
    assertEquals(Failure.Blame.PLATFORM, of(SdkClientException.create("no route")).blame());
    assertEquals(Failure.Blame.USER, of(new SparkException("x", new NumberFormatException("y"))).blame());
    assertEquals(Failure.Blame.PLATFORM, of(new SparkException("job aborted", null)).blame());
    assertEquals(Failure.Blame.PLATFORM, of(new IllegalStateException("stopped")).blame());
  }

  @Test
  void executorsThatRanOutOfMemoryAreAMatterOfResources() {
    LostExecutors lost = new LostExecutors();
    lost.record("Command exited with code 137");
    lost.record("Executor heartbeat timed out");
    assertFalse(lost.outOfMemory());
    lost.record("Command exited with code 52");
    assertTrue(lost.outOfMemory());
    assertEquals(Failure.Blame.RESOURCES, Failure.of(new SparkException("aborted", null), lost).blame());
  }

  @Test
  void exitCodesTellSpecAndClaimApart() {
    assertEquals(64, of(new JobSpec.BadSpec("x")).exitCode());
    assertEquals(75, of(new Claim.Lost("driver-1")).exitCode());
    assertEquals(1, of(new IOException("x")).exitCode());
  }

  @Test
  void reportIsOneReadableLine() {
    String json = of(new IOException("first\nsecond \"quoted\"")).json();
    assertEquals("{\"class\":\"java.io.IOException\",\"message\":\"first\",\"blame\":\"platform\"}", json);
    assertEquals("IOException", of(new IOException()).message());
    // Spark's messages about syntax begin with an empty line.
    Failure inStatement = of(new Failure.InStatement(3, new IllegalArgumentException("\n[PARSE_SYNTAX_ERROR] x\n\n== SQL ==")));
    assertEquals("statement at line 3: [PARSE_SYNTAX_ERROR] x", inStatement.message());
    assertEquals("java.lang.IllegalArgumentException", inStatement.type());
    assertEquals(500, of(new IOException("x".repeat(900))).message().length());
  }
}
