package dev.sluice.spark;

import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** The generic job: runs the statements of a SQL file over the input views; the file leaves one view per output. */
public final class SqlRunner {
  private SqlRunner() {}

  public static void main(String[] args) {
    BatchJob.main(args, SqlRunner::runScript);
  }

  static void runScript(SparkSession spark, JobSpec spec) {
    if (spec.sql() == null) {
      throw new JobSpec.BadSpec("this job needs the text of a SQL file in sql");
    }
    Map<String, Object> parameters = Parameters.of(spec);
    for (SqlScript.Statement statement : SqlScript.split(spec.sql())) {
      try {
        spark.sql(statement.text(), parameters);
      } catch (Throwable e) {
        // Scala throws checked exceptions undeclared, so nothing narrower catches a failed analysis.
        throw new Failure.InStatement(statement.line(), e);
      }
    }
  }
}
