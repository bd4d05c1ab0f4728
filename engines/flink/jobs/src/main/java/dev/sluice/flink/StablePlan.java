package dev.sluice.flink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.table.api.CompiledPlan;
import org.apache.flink.table.api.PlanReference;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Gives the operators of a SQL job ids that depend on the SQL alone, so that a later submission finds their state.
 *
 * <p>The planner numbers nodes with a counter of the whole JVM. In a session cluster all jobs are planned in one JVM, so
 * the same file would get other ids each time, and a checkpoint could not be restored.
 */
final class StablePlan {
  private static final ObjectMapper JSON = new ObjectMapper();

  private StablePlan() {}

  static CompiledPlan of(TableEnvironment tables, StatementSet job) {
    return tables.loadPlan(PlanReference.fromJsonString(renumber(job.compilePlan().asJsonString())));
  }

  /** Counts the nodes of a compiled plan from 1 in their order in the plan, and follows with the edges. */
  static String renumber(String plan) {
    try {
      JsonNode root = JSON.readTree(plan);
      Map<Integer, Integer> numbers = new HashMap<>();
      for (JsonNode node : root.withArray("nodes")) {
        numbers.put(node.get("id").intValue(), numbers.size() + 1);
        ((ObjectNode) node).put("id", numbers.size());
      }
      for (JsonNode edge : root.withArray("edges")) {
        for (String end : new String[] {"source", "target"}) {
          ((ObjectNode) edge).put(end, numbers.get(edge.get(end).intValue()));
        }
      }
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the compiled plan is not JSON", e);
    }
  }
}
