package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Where a statement ends, and where it does not. */
class SqlScriptTest {
  private static List<String> texts(String sql) {
    return SqlScript.split(sql).stream().map(SqlScript.Statement::text).toList();
  }

  @Test
  void splitsAtSemicolonsAndDropsEmptyStatements() {
    assertEquals(List.of("SELECT 1", "SELECT 2"), texts("SELECT 1;\n ;; SELECT 2 ;\n"));
    assertEquals(List.of(), texts(" \n -- only a comment;\n/* and; another */ ;"));
  }

  @Test
  void leavesSemicolonsInQuotesAlone() {
    assertEquals(List.of("SELECT 'a;b', \"c;d\", `e;f`", "x"), texts("SELECT 'a;b', \"c;d\", `e;f`; x"));
    assertEquals(List.of("SELECT 'it''s;', 'a\\';b'", "x"), texts("SELECT 'it''s;', 'a\\';b'; x"));
    assertEquals(List.of("SELECT `a\\`", "x"), texts("SELECT `a\\`; x"));
  }

  @Test
  void leavesSemicolonsInCommentsAlone() {
    assertEquals(List.of("SELECT 1 -- one; two\n + 2", "x"), texts("SELECT 1 -- one; two\n + 2; x"));
    assertEquals(List.of("SELECT /* a; /* b; */ c; */ 1", "x"), texts("SELECT /* a; /* b; */ c; */ 1; x"));
    assertEquals(List.of("SELECT '--', '/*'", "x"), texts("SELECT '--', '/*'; x"));
    assertEquals(List.of("-- don't\nSELECT 1", "x"), texts("-- don't\nSELECT 1; x"));
  }

  @Test
  void namesTheLineOfTheFirstWord() {
    List<SqlScript.Statement> statements = SqlScript.split("-- title\n\nSELECT 1;\n/* why */\nSELECT\n2");
    assertEquals(List.of(3, 5), statements.stream().map(SqlScript.Statement::line).toList());
  }

  @Test
  void takesUnclosedQuotesAndCommentsToTheEnd() {
    assertEquals(List.of("SELECT 'a; b"), texts("SELECT 'a; b"));
    assertEquals(List.of("SELECT 1 /* a; b"), texts("SELECT 1 /* a; b"));
    assertEquals(List.of("SELECT 'a\\"), texts("SELECT 'a\\"));
  }
}
