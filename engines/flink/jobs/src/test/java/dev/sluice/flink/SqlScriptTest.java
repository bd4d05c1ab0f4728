package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Splitting respects quotes and comments; filling can neither break out of quotes nor pass over an unknown name. */
class SqlScriptTest {
  private static List<String> split(String sql) {
    return SqlScript.statements(sql, Map.of());
  }

  @Test
  void splitsAtSemicolonsOutsideQuotes() {
    assertEquals(
        List.of("SET 'a' = 'x;y'", "SELECT `a;b`, 'it''s; fine'", "SELECT 3"),
        split("SET 'a' = 'x;y';\nSELECT `a;b`, 'it''s; fine' ;; \n SELECT 3"));
  }

  @Test
  void dropsCommentsAndKeepsHints() {
    assertEquals(
        List.of("SELECT 1 - 2 / 3", "SELECT /*+ OPTIONS('k'='v;w') */ 4"),
        split("-- first; ${nothing}\nSELECT 1 - 2 -- it's\n/ 3; /* a ; 'b */ SELECT /*+ OPTIONS('k'='v;w') */ 4; -- end")
            .stream()
            .map(s -> s.replaceAll("\\s+", " ")).toList());
    assertEquals(List.of("SELECT '--x', '/*y*/'"), split("SELECT '--x', '/*y*/'"));
  }

  @Test
  void namesTheLineOfWhatHasNoEnd() {
    assertTrue(message("SELECT 1;\nSELECT 'x").contains("line 2"));
    assertTrue(message("\n\n/* x").contains("line 3"));
  }

  @Test
  void escapesValuesForTheirQuotes() {
    Map<String, String> values = Map.of("p.q", "o'Neil; `$1\\", "n", "7", "w", "a b");
    assertEquals(List.of("SELECT 'o''Neil; `$1\\'"), SqlScript.statements("SELECT '${p.q}'", values));
    assertEquals(List.of("SELECT `o'Neil; ``$1\\`"), SqlScript.statements("SELECT `${p.q}`", values));
    assertEquals(List.of("SELECT 7 + 1"), SqlScript.statements("SELECT ${n} + 1", values));
    assertThrows(IllegalArgumentException.class, () -> SqlScript.statements("SELECT ${w}", values));
  }

  @Test
  void refusesAnUnknownPlaceholderByName() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> SqlScript.statements("SELECT '${params.x}'", Map.of("params.y", "1")))
            .getMessage();
    assertEquals("unknown placeholder ${params.x}; known: params.y", message);
  }

  private static String message(String sql) {
    return assertThrows(IllegalArgumentException.class, () -> split(sql)).getMessage();
  }
}
