package dev.sluice.spark;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits a SQL file into its statements at each {@code ;} that is not inside quotes or a comment. Compound blocks
 * ({@code BEGIN … END}) are not understood: each statement stands alone.
 */
final class SqlScript {
  /** One statement and the line of the file on which it starts, for messages. */
  record Statement(String text, int line) {}

  private SqlScript() {}

  static List<Statement> split(String sql) {
    List<Statement> statements = new ArrayList<>();
    int begin = 0;
    int at = 0;
    // Start of the first character that is neither blank nor comment; -1 while the statement is still empty.
    int content = -1;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      if (sql.startsWith("--", at)) {
        at = lineEnd(sql, at);
      } else if (sql.startsWith("/*", at)) {
        // A hint is part of the statement, but never its first word.
        at = commentEnd(sql, at);
      } else if (c == ';') {
        add(statements, sql, begin, content, at);
        at += 1;
        begin = at;
        content = -1;
      } else {
        if (content < 0 && !Character.isWhitespace(c)) {
          content = at;
        }
        at = c == '\'' || c == '"' || c == '`' ? quoteEnd(sql, at, c) : at + 1;
      }
    }
    add(statements, sql, begin, content, sql.length());
    return statements;
  }

  private static void add(List<Statement> statements, String sql, int begin, int content, int end) {
    if (content < 0) {
      return;
    }
    int line = 1 + (int) sql.substring(0, content).chars().filter(c -> c == '\n').count();
    statements.add(new Statement(sql.substring(begin, end).strip(), line));
  }

  private static int lineEnd(String sql, int from) {
    int end = sql.indexOf('\n', from);
    return end < 0 ? sql.length() : end + 1;
  }

  /** Bracketed comments nest in Spark. */
  private static int commentEnd(String sql, int from) {
    int depth = 0;
    int at = from;
    while (at < sql.length()) {
      if (sql.startsWith("/*", at)) {
        depth += 1;
        at += 2;
      } else if (sql.startsWith("*/", at)) {
        depth -= 1;
        at += 2;
        if (depth == 0) {
          return at;
        }
      } else {
        at += 1;
      }
    }
    return at;
  }

  /** A backslash escapes inside strings, not inside backticks; a doubled quote reads as two adjacent quotings. */
  private static int quoteEnd(String sql, int from, char quote) {
    int at = from + 1;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      if (c == '\\' && quote != '`') {
        at += 2;
      } else if (c == quote) {
        return at + 1;
      } else {
        at += 1;
      }
    }
    return sql.length();
  }
}
