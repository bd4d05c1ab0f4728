package dev.sluice.spark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * One submission from claim to manifest. The order is the safety: nothing is touched before the claim is ours, and the
 * manifest, which alone proves success, is written after everything it names.
 */
final class BatchJob {
  /** The job's own part: makes one temporary view per declared output. */
  interface Transform {
    void apply(SparkSession spark, JobSpec spec);
  }

  private final ObjectStore store;
  private final Supplier<SparkSession> sessions;
  private final String driverId;
  private final LostExecutors executors = new LostExecutors();

  BatchJob(ObjectStore store, Supplier<SparkSession> sessions, String driverId) {
    this.store = store;
    this.sessions = sessions;
    this.driverId = driverId;
  }

  /** Runs a main class to its end: never returns, the exit code tells how it went. */
  static void main(String[] args, Transform transform) {
    int exit;
    try {
      JobSpec spec = JobSpec.fromArguments(args);
      BatchJob job = new BatchJob(
          S3ObjectStore.fromEnvironment(),
          () -> SparkSession.builder().getOrCreate(),
          Claim.driverIdOfWorkingDirectory());
      exit = job.run(spec, transform);
    } catch (Throwable thrown) {
      exit = report(Failure.of(thrown, new LostExecutors()));
    }
    System.exit(exit);
  }

  int run(JobSpec spec, Transform transform) {
    Claim claim = new Claim(store, spec.claim(), driverId);
    boolean claimed = false;
    SparkSession spark = null;
    Throwable failed = null;
    try {
      Manifest manifest = new Manifest(store, spec.manifest(), spec.key());
      if (manifest.exists()) {
        System.out.println("already complete: " + spec.manifest());
        return Failure.EXIT_OK;
      }
      claim.refuseIfTaken();
      spark = sessions.get();
      claim.take(spark.sparkContext().applicationId());
      claimed = true;
      spark.sparkContext().addSparkListener(executors);
      configure(spark);
      readInputs(spark, spec);
      transform.apply(spark, spec);
      for (JobSpec.Dataset output : spec.outputs()) {
        write(spark, output, manifest);
      }
      manifest.write();
    } catch (Throwable thrown) {
      failed = thrown;
    }
    // Stopping also delivers the last events to the listener, so the failure is judged afterwards.
    stop(spark);
    return failed == null ? Failure.EXIT_OK : conclude(spec, Failure.of(failed, executors), failed, claimed);
  }

  private static void stop(SparkSession spark) {
    try {
      if (spark != null) {
        spark.stop();
      }
    } catch (RuntimeException e) {
      System.err.println("the session did not stop cleanly: " + e);
    }
  }

  private int conclude(JobSpec spec, Failure failure, Throwable thrown, boolean claimed) {
    if (failure.exitCode() == Failure.EXIT_FAILED) {
      thrown.printStackTrace();
    }
    if (claimed) {
      leaveNote(spec, failure);
    }
    return report(failure);
  }

  /** Settings that change results, so they are not left to the cluster. */
  private static void configure(SparkSession spark) {
    Map.of(
            "spark.sql.session.timeZone", "UTC",
            "spark.sql.ansi.enabled", "true",
            // month=1997-01 is a text, not a guess.
            "spark.sql.sources.partitionColumnTypeInference.enabled", "false",
            "spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS",
            "spark.sql.adaptive.enabled", "true",
            // Few files: partitions are as large as advised, not as many as there are cores.
            "spark.sql.adaptive.coalescePartitions.parallelismFirst", "false")
        .forEach(spark.conf()::set);
  }

  private static void readInputs(SparkSession spark, JobSpec spec) {
    for (JobSpec.Dataset input : spec.inputs()) {
      spark.read().format(input.format()).load(input.path()).createOrReplaceTempView(input.name());
    }
  }

  /** Rebalancing makes one file of a small output and files of a good size of a large one, without counting first. */
  private static void write(SparkSession spark, JobSpec.Dataset output, Manifest manifest) throws IOException {
    Dataset<Row> rows = spark.table(output.name());
    ColumnTypes.describe(output.name(), rows.schema());
    rows.hint("rebalance")
        .write()
        .mode(SaveMode.Overwrite)
        .option("mapreduce.fileoutputcommitter.algorithm.version", "2")
        .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .parquet(output.path());
    System.out.println("output " + output.name() + ": " + manifest.add(output, rows.schema()) + " rows");
  }

  /** The same report beside the claim, for readers that cannot reach the driver's log. */
  private void leaveNote(JobSpec spec, Failure failure) {
    String folder = spec.claim().substring(0, spec.claim().lastIndexOf('/') + 1);
    try {
      store.put(folder + "_failure.json", failure.json().getBytes(StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      System.err.println("the failure note could not be written: " + e.getMessage());
    }
  }

  private static int report(Failure failure) {
    System.err.println("SLUICE_FAILURE " + failure.json());
    return failure.exitCode();
  }
}
