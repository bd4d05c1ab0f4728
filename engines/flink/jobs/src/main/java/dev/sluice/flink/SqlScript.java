package dev.sluice.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a SQL file into statements and fills their {@code ${path}} placeholders.
 *
 * <p>Splitting comes first, so a value can never end a statement. Comments are dropped (a placeholder in a comment needs
 * no value), hints ({@code /*+ … }) stay. Inside quotes a value is escaped; outside only a plain word or number fits.
 */
public final class SqlScript {
  private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");
  private static final Pattern PLAIN = Pattern.compile("-?[A-Za-z0-9_]+(\\.[A-Za-z0-9_]+)*");

  private SqlScript() {}

  /** The statements of the file in order, filled, without the closing semicolons; empty ones are left out. */
  public static List<String> statements(String sql, Map<String, String> values) {
    List<String> statements = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    int at = 0;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      if (c == '\'' || c == '`') {
        int end = endOfQuoted(sql, at);
        statement.append(fill(sql.substring(at, end), c, values));
        at = end;
      } else if (sql.startsWith("--", at)) {
        int end = sql.indexOf('\n', at);
        at = end < 0 ? sql.length() : end;
      } else if (sql.startsWith("/*", at) && !sql.startsWith("/*+", at)) {
        int end = sql.indexOf("*/", at + 2);
        if (end < 0) {
          throw new IllegalArgumentException("comment that begins at line " + line(sql, at) + " has no end");
        }
        statement.append(' ');
        at = end + 2;
      } else if (c == ';') {
        take(statement, statements);
        at += 1;
      } else {
        int end = endOfCode(sql, at);
        statement.append(fill(sql.substring(at, end), ' ', values));
        at = end;
      }
    }
    take(statement, statements);
    return statements;
  }

  private static void take(StringBuilder statement, List<String> into) {
    String text = statement.toString().strip();
    if (!text.isEmpty()) {
      into.add(text);
    }
    statement.setLength(0);
  }

  /** A doubled quote inside a quoted text is part of it: it reads as two quoted texts side by side, which is the same. */
  private static int endOfQuoted(String sql, int start) {
    int end = sql.indexOf(sql.charAt(start), start + 1);
    if (end < 0) {
      throw new IllegalArgumentException("quote that begins at line " + line(sql, start) + " has no end");
    }
    return end + 1;
  }

  private static int endOfCode(String sql, int start) {
    int at = start + 1;
    while (at < sql.length() && "'`;-/".indexOf(sql.charAt(at)) < 0) {
      at += 1;
    }
    return at;
  }

  private static String fill(String part, char quote, Map<String, String> values) {
    Matcher matcher = PLACEHOLDER.matcher(part);
    StringBuilder filled = new StringBuilder();
    while (matcher.find()) {
      String path = matcher.group(1);
      String value = values.get(path);
      if (value == null) {
        String known = String.join(", ", values.keySet().stream().sorted().toList());
        throw new IllegalArgumentException("unknown placeholder ${" + path + "}; known: " + known);
      }
      if (quote == ' ' && !PLAIN.matcher(value).matches()) {
        throw new IllegalArgumentException(
            "placeholder ${" + path + "} stands outside quotes and its value is not a plain word or number");
      }
      String escaped = quote == ' ' ? value : value.replace(String.valueOf(quote), String.valueOf(quote).repeat(2));
      matcher.appendReplacement(filled, Matcher.quoteReplacement(escaped));
    }
    return matcher.appendTail(filled).toString();
  }

  private static long line(String sql, int at) {
    return sql.substring(0, at).chars().filter(c -> c == '\n').count() + 1;
  }
}
