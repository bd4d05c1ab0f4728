package dev.sluice.streams;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The wanted stream as handed over on the command line: what to read, what to write, under which identity. */
@JsonIgnoreProperties(ignoreUnknown = true)
public record StreamSpec(
    String key,
    String tag,
    String name,
    String pipeline,
    String stream,
    int generation,
    KafkaAddress kafka,
    String applicationId,
    String instanceId,
    String stateDir,
    String statusFile,
    List<NamedTopic> inputs,
    List<NamedTopic> outputs,
    Map<String, JsonNode> params) {

  /** Where the brokers are. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record KafkaAddress(String bootstrapServers) {}

  /** A dataset of the pipeline and the topic that holds it. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record NamedTopic(String name, String topic) {}

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads {@code --spec <json>}; every complaint names the field, so that a refused start explains itself. */
  public static StreamSpec fromArguments(String[] args) {
    if (args.length != 2 || !args[0].equals("--spec")) {
      throw new IllegalArgumentException("expected exactly: --spec <json>");
    }
    StreamSpec spec;
    try {
      spec = JSON.readValue(args[1], StreamSpec.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("--spec is not a stream spec: " + e.getOriginalMessage(), e);
    }
    require("key", spec.key());
    require("kafka.bootstrapServers", spec.kafka() == null ? null : spec.kafka().bootstrapServers());
    require("applicationId", spec.applicationId());
    require("instanceId", spec.instanceId());
    require("stateDir", spec.stateDir());
    require("statusFile", spec.statusFile());
    return spec;
  }

  /** The topic of a declared input, for example {@code sales}. */
  public String inputTopic(String dataset) {
    return topicOf("inputs", inputs, dataset);
  }

  /** The topic of a declared output, for example {@code city_sales_live}. */
  public String outputTopic(String dataset) {
    return topicOf("outputs", outputs, dataset);
  }

  /** A whole number from {@code params}, which may be written as a number or as text. */
  public int intParam(String param, int fallback) {
    JsonNode node = params == null ? null : params.get(param);
    if (node == null || node.isNull()) {
      return fallback;
    }
    try {
      return Integer.parseInt(node.asText().trim());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("params." + param + " must be a whole number, got '" + node.asText() + "'", e);
    }
  }

  /** The words of a comma-separated text in {@code params}. */
  public Set<String> wordsParam(String param) {
    JsonNode node = params == null ? null : params.get(param);
    Set<String> words = new LinkedHashSet<>();
    if (node != null && !node.isNull()) {
      for (String word : node.asText().split(",")) {
        if (!word.isBlank()) {
          words.add(word.trim());
        }
      }
    }
    return words;
  }

  private static String topicOf(String section, List<NamedTopic> topics, String dataset) {
    if (topics != null) {
      for (NamedTopic each : topics) {
        if (dataset.equals(each.name()) && each.topic() != null && !each.topic().isBlank()) {
          return each.topic();
        }
      }
    }
    throw new IllegalArgumentException(section + " must name a topic for '" + dataset + "'");
  }

  private static void require(String field, String value) {
    if (value == null || value.isBlank()) {
      throw new IllegalArgumentException("--spec lacks '" + field + "'");
    }
  }
}
