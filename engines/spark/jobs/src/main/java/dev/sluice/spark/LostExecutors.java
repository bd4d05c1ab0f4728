package dev.sluice.spark;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Remembers why executors went away under running tasks; the exception of the job that then fails does not say it. */
final class LostExecutors extends SparkListener {
  /** Spark's own exit code for an executor that ran out of memory. */
  private static final String OUT_OF_MEMORY_EXIT = "52";
  private static final Pattern EXIT_CODE = Pattern.compile("code (\\d+)");

  private volatile boolean outOfMemory;

  @Override
  public void onTaskEnd(SparkListenerTaskEnd event) {
    if (event.reason() instanceof ExecutorLostFailure lost && lost.reason().isDefined()) {
      record(lost.reason().get());
    }
  }

  void record(String reason) {
    Matcher matcher = EXIT_CODE.matcher(reason);
    if (matcher.find() && matcher.group(1).equals(OUT_OF_MEMORY_EXIT)) {
      outOfMemory = true;
    }
  }

  boolean outOfMemory() {
    return outOfMemory;
  }
}
