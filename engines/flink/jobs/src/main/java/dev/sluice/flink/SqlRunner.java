package dev.sluice.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs the SQL file of a stream as one Flink job: settings and declarations one by one, all INSERTs as one statement set.
 *
 * <p>Submission is asynchronous: {@code main} returns when the job is accepted.
 */
public final class SqlRunner {
  private static final Pattern SETTING =
      Pattern.compile("SET\\s+'([^']+)'\\s*=\\s*'((?:[^']|'')*)'", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private SqlRunner() {}

  public static void main(String[] args) {
    JobSpec spec = JobSpec.fromArgs(args);
    TableEnvironment tables = JobEnvironment.create(spec);
    StablePlan.of(tables, prepare(tables, spec)).execute();
  }

  /** Declares everything in the file and collects its INSERTs, without running anything. */
  static StatementSet prepare(TableEnvironment tables, JobSpec spec) {
    List<String> inserts = declare(tables, SqlScript.statements(spec.sql(), spec.values()));
    if (inserts.isEmpty()) {
      throw new IllegalArgumentException("the SQL file has no INSERT, so there is nothing to run");
    }
    StatementSet job = tables.createStatementSet();
    inserts.forEach(job::addInsertSql);
    // The name carries the tag by which the job is found again: no SET may change it.
    tables.getConfig().set(PipelineOptions.NAME, JobEnvironment.jobName(spec));
    return job;
  }

  /** Executes settings and declarations in order and returns the INSERTs, which are not executed. */
  static List<String> declare(TableEnvironment tables, List<String> statements) {
    List<String> inserts = new ArrayList<>();
    for (String statement : statements) {
      String word = firstWord(statement);
      switch (word) {
        case "SET" -> set(tables, statement);
        case "CREATE" -> tables.executeSql(statement);
        case "INSERT" -> inserts.add(statement);
        default -> throw new IllegalArgumentException(
            "a stream's SQL file may hold SET, CREATE and INSERT statements, not " + word);
      }
    }
    return inserts;
  }

  private static void set(TableEnvironment tables, String statement) {
    Matcher matcher = SETTING.matcher(statement);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("a setting must read SET 'name' = 'value': " + statement);
    }
    tables.getConfig().set(matcher.group(1), matcher.group(2).replace("''", "'"));
  }

  private static String firstWord(String statement) {
    return statement.split("\\s", 2)[0].toUpperCase(Locale.ROOT);
  }
}
