package dev.sluice.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.SparkThrowable;
import software.amazon.awssdk.core.exception.SdkException;

/** What went wrong, and who can mend it, as one line that the engine adapter reads from the driver's log. */
record Failure(String type, String message, Blame blame, int exitCode) {
  enum Blame { USER, PLATFORM, RESOURCES }

  static final int EXIT_OK = 0;
  static final int EXIT_FAILED = 1;
  static final int EXIT_BAD_SPEC = 64;
  static final int EXIT_CLAIM_LOST = 75;

  private static final int MAX_MESSAGE = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The SQL statement of the job that failed, by its line in the file. */
  static final class InStatement extends RuntimeException {
    InStatement(int line, Throwable cause) {
      super("statement at line " + line + ": " + readable(cause), cause);
    }
  }

  static Failure of(Throwable thrown, LostExecutors executors) {
    List<Throwable> chain = chain(thrown);
    Throwable named = thrown instanceof InStatement ? thrown.getCause() : thrown;
    int exit = EXIT_FAILED;
    Blame blame;
    if (thrown instanceof JobSpec.BadSpec) {
      exit = EXIT_BAD_SPEC;
      blame = Blame.USER;
    } else if (thrown instanceof Claim.Lost) {
      exit = EXIT_CLAIM_LOST;
      blame = Blame.PLATFORM;
    } else {
      blame = blame(chain, executors);
    }
    return new Failure(named.getClass().getName(), readable(thrown), blame, exit);
  }

  String json() {
    try {
      return JSON.writeValueAsString(JSON.createObjectNode()
          .put("class", type)
          .put("message", message)
          .put("blame", blame.name().toLowerCase(Locale.ROOT)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** By kinds and SQL states, never by texts; what nobody can place counts as the platform's, for that may be tried again. */
  private static Blame blame(List<Throwable> chain, LostExecutors executors) {
    for (Throwable cause : chain) {
      if (cause instanceof OutOfMemoryError) {
        return Blame.RESOURCES;
      }
    }
    for (Throwable cause : chain) {
      boolean missingInput = cause instanceof FileNotFoundException;
      if (cause instanceof SdkException || (cause instanceof IOException && !missingInput)) {
        return Blame.PLATFORM;
      }
    }
    for (Throwable cause : chain) {
      if (cause instanceof SparkThrowable spark && spark.getSqlState() != null) {
        return blameOfState(spark.getSqlState());
      }
    }
    for (Throwable cause : chain) {
      if (isUsersOwn(cause)) {
        return Blame.USER;
      }
    }
    return executors.outOfMemory() ? Blame.RESOURCES : Blame.PLATFORM;
  }

  /** Classes of the SQL standard and of Spark's own list of states. */
  private static Blame blameOfState(String state) {
    return switch (state.substring(0, 2)) {
      case "07", "0A", "21", "22", "23", "38", "39", "42", "46", "54", "K0", "KD" -> Blame.USER;
      case "53" -> Blame.RESOURCES;
      default -> Blame.PLATFORM;
    };
  }

  private static boolean isUsersOwn(Throwable cause) {
    return cause instanceof ColumnTypes.Unsupported
        || cause instanceof IllegalArgumentException
        || cause instanceof ArithmeticException
        || cause instanceof ClassCastException
        || cause instanceof NullPointerException
        || cause instanceof UnsupportedOperationException
        || cause instanceof DateTimeException
        || cause instanceof FileNotFoundException;
  }

  private static List<Throwable> chain(Throwable thrown) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable at = thrown; at != null && !chain.contains(at); at = at.getCause()) {
      chain.add(at);
    }
    return chain;
  }

  /** The first line: what follows in Spark's messages is the SQL text, a plan or a stack. */
  private static String readable(Throwable thrown) {
    String message = thrown.getMessage();
    if (message == null || message.isBlank()) {
      return thrown.getClass().getSimpleName();
    }
    String line = message.strip().lines().findFirst().orElse("");
    return line.length() <= MAX_MESSAGE ? line : line.substring(0, MAX_MESSAGE - 1) + "…";
  }
}
