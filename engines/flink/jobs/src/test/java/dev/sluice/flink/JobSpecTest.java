package dev.sluice.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.junit.jupiter.api.Test;

/** A spec becomes dotted values and settings; what cannot be right is said at once. */
class JobSpecTest {
  private static final String SPEC =
      """
      {"key":"abc","tag":"sluice:i:abc","name":"sales sliding","groupId":"g","kafka":{"bootstrapServers":"h:1"},
       "inputs":[{"name":"sales","topic":"sales.raw"}],"outputs":[{"name":"a","topic":"results.a"}],
       "params":{"n":3,"on":true,"none":null,"checkpoint_interval":"750ms"},"sql":"SELECT 1"}""";

  @Test
  void flattensTheSpec() {
    JobSpec spec = JobSpec.fromArgs(new String[] {"--spec", SPEC});
    assertEquals("h:1", spec.values().get("kafka.bootstrapServers"));
    assertEquals("sales.raw", spec.values().get("inputs.sales.topic"));
    assertEquals("results.a", spec.values().get("outputs.a.topic"));
    assertEquals("3", spec.values().get("params.n"));
    assertEquals("true", spec.values().get("params.on"));
    assertFalse(spec.values().containsKey("params.none"));
    assertFalse(spec.values().containsKey("sql"));
    assertEquals("SELECT 1", spec.sql());
  }

  @Test
  void setsNameAndCheckpoints() {
    var config = JobEnvironment.configuration(JobSpec.parse(SPEC));
    assertEquals("sluice:i:abc sales sliding", config.get(PipelineOptions.NAME));
    assertEquals(Duration.ofMillis(750), config.get(CheckpointingOptions.CHECKPOINTING_INTERVAL));
    assertEquals(
        Duration.ofSeconds(5),
        JobEnvironment.configuration(JobSpec.parse(SPEC.replace("checkpoint_interval", "other")))
            .get(CheckpointingOptions.CHECKPOINTING_INTERVAL));
  }

  @Test
  void saysWhatIsWrong() {
    assertEquals("expected exactly two arguments: --spec <json>", message(() -> JobSpec.fromArgs(new String[] {"x"})));
    assertEquals("--spec must be a JSON object", message(() -> JobSpec.parse("[]")));
    assertEquals("--spec must be a JSON object", message(() -> JobSpec.parse("")));
    assertEquals("--spec lacks the text field(s) tag, name", message(() -> JobSpec.parse("{\"key\":\"a\",\"name\":1}")));
    assertEquals(
        "params.checkpoint_interval is not a duration such as 5s: soon",
        message(() -> JobEnvironment.configuration(JobSpec.parse(SPEC.replace("750ms", "soon")))));
    assertEquals(
        "params.checkpoint_interval must be above zero: 0",
        message(() -> JobEnvironment.configuration(JobSpec.parse(SPEC.replace("750ms", "0")))));
  }

  private static String message(Runnable action) {
    return assertThrows(IllegalArgumentException.class, action::run).getMessage();
  }
}
