package dev.sluice.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What one submission asks of the job: the document behind {@code --spec}, checked on reading. Unknown members are ignored. */
record JobSpec(
    String key,
    String name,
    LocalDate from,
    LocalDate to,
    Map<String, JsonNode> params,
    String sql,
    List<Dataset> inputs,
    List<Dataset> outputs,
    String claim,
    String manifest) {

  /** One named set of files; its name is the name of the temporary view. */
  record Dataset(String name, String format, String path) {}

  /** The document cannot be right on a second try either. */
  static final class BadSpec extends RuntimeException {
    BadSpec(String message) {
      super(message);
    }
  }

  private static final Pattern KEY = Pattern.compile("[0-9a-f]{32}");
  private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  /** Decimal fractions stay decimal: a parameter may be money. */
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  static JobSpec fromArguments(String[] args) {
    if (args.length != 2 || !args[0].equals("--spec")) {
      throw new BadSpec("expected exactly: --spec <json>");
    }
    return parse(args[1]);
  }

  static JobSpec parse(String json) {
    JsonNode root;
    try {
      root = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new BadSpec("the spec is not JSON: " + e.getOriginalMessage());
    }
    if (root == null || !root.isObject()) {
      throw new BadSpec("the spec must be a JSON object");
    }
    String key = text(root, "key");
    if (!KEY.matcher(key).matches()) {
      throw new BadSpec("key must be 32 hexadecimal digits");
    }
    JsonNode partition = root.path("partition");
    LocalDate from = day(partition, "from");
    LocalDate to = day(partition, "to");
    if (!from.isBefore(to)) {
      throw new BadSpec("partition.from must be before partition.to (half-open)");
    }
    List<Dataset> outputs = datasets(root, "outputs");
    if (outputs.isEmpty()) {
      throw new BadSpec("outputs must name at least one dataset");
    }
    for (Dataset output : outputs) {
      if (!output.format().equals("parquet")) {
        throw new BadSpec("output " + output.name() + " has format " + output.format() + "; only parquet is written");
      }
    }
    return new JobSpec(
        key,
        root.path("name").asText(key),
        from,
        to,
        params(root.path("params")),
        root.path("sql").isTextual() ? root.path("sql").textValue() : null,
        datasets(root, "inputs"),
        outputs,
        text(root, "claim"),
        text(root, "manifest"));
  }

  private static Map<String, JsonNode> params(JsonNode node) {
    Map<String, JsonNode> params = new LinkedHashMap<>();
    if (node.isMissingNode() || node.isNull()) {
      return params;
    }
    if (!node.isObject()) {
      throw new BadSpec("params must be an object");
    }
    node.properties().forEach(entry -> {
      if (!IDENTIFIER.matcher(entry.getKey()).matches()) {
        throw new BadSpec("parameter name " + entry.getKey() + " is not an identifier");
      }
      params.put(entry.getKey(), entry.getValue());
    });
    return params;
  }

  private static List<Dataset> datasets(JsonNode root, String member) {
    JsonNode list = root.path(member);
    if (!list.isArray()) {
      throw new BadSpec(member + " must be a list");
    }
    List<Dataset> result = new ArrayList<>();
    for (JsonNode node : list) {
      Dataset dataset = new Dataset(text(node, "name"), node.path("format").asText("parquet"), text(node, "path"));
      if (!IDENTIFIER.matcher(dataset.name()).matches()) {
        throw new BadSpec(member + ": " + dataset.name() + " is not an identifier");
      }
      result.add(dataset);
    }
    return result;
  }

  private static LocalDate day(JsonNode partition, String member) {
    String value = text(partition, member);
    try {
      return LocalDate.parse(value);
    } catch (DateTimeException e) {
      throw new BadSpec("partition." + member + " must be a day like 1997-01-31, not " + value);
    }
  }

  private static String text(JsonNode node, String member) {
    JsonNode value = node.path(member);
    if (!value.isTextual() || value.textValue().isEmpty()) {
      throw new BadSpec(member + " must be a text");
    }
    return value.textValue();
  }
}
