package dev.sluice.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * The one argument of every job, {@code --spec <json>}, read into the fields a Flink job needs.
 *
 * <p>{@code values} holds every scalar of the spec under its dotted path, for placeholders: lists of named objects are
 * addressed by name, as in {@code inputs.sales.topic}. The SQL text itself is not among them.
 */
public record JobSpec(String key, String tag, String name, String sql, Map<String, String> values) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads the arguments of {@code main}; the messages of its exceptions reach the caller of the REST run request. */
  public static JobSpec fromArgs(String[] args) {
    if (args.length != 2 || !args[0].equals("--spec")) {
      throw new IllegalArgumentException("expected exactly two arguments: --spec <json>");
    }
    return parse(args[1]);
  }

  static JobSpec parse(String text) {
    JsonNode root;
    try {
      root = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      // The original message quotes the input, which may be long: the place is enough.
      throw new IllegalArgumentException("--spec is not JSON, at column " + e.getLocation().getColumnNr());
    }
    if (root == null || !root.isObject()) {
      throw new IllegalArgumentException("--spec must be a JSON object");
    }
    Map<String, String> values = new TreeMap<>();
    flatten("", root, values);
    values.remove("sql");
    List<String> missing = new ArrayList<>();
    for (String field : List.of("key", "tag", "name")) {
      if (!root.path(field).isTextual()) {
        missing.add(field);
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException("--spec lacks the text field(s) " + String.join(", ", missing));
    }
    return new JobSpec(
        values.get("key"), values.get("tag"), values.get("name"), root.path("sql").asText(""), Map.copyOf(values));
  }

  /** The value at a dotted path, or the given one where the spec is silent. */
  public String value(String path, String otherwise) {
    return values.getOrDefault(path, otherwise);
  }

  private static void flatten(String path, JsonNode node, Map<String, String> into) {
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> field : node.properties()) {
        flatten(path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue(), into);
      }
    } else if (node.isArray()) {
      for (JsonNode item : node) {
        if (item.path("name").isTextual()) {
          flatten(path + "." + item.get("name").asText(), item, into);
        }
      }
    } else if (node.isValueNode() && !node.isNull()) {
      into.put(path, node.asText());
    }
  }
}
