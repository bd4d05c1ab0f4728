package dev.sluice.streams;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/** Feeds a topology with sales in memory and reads the newest result per key. */
final class SalesDriver implements AutoCloseable {
  static final String INPUT = "sales.raw";
  static final String OUTPUT = "results";

  final FailureLog failures;
  private final TopologyTestDriver driver;
  private final TestInputTopic<String, byte[]> input;

  SalesDriver(StreamApp.TopologyFactory factory, String output, Path state, String... skipped) {
    StreamSpec spec = StreamSpec.fromArguments(new String[] {"--spec", """
        {"key":"k","tag":"t","kafka":{"bootstrapServers":"none:1"},"applicationId":"app","instanceId":"app-0",
         "stateDir":"%s","statusFile":"none","inputs":[{"name":"sales","topic":"%s"}],
         "outputs":[{"name":"%s","topic":"%s"}]}""".formatted(state, INPUT, output, OUTPUT)});
    failures = new FailureLog(Set.of(skipped));
    Properties properties = StreamProperties.of(spec, failures);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    driver = new TopologyTestDriver(factory.build(spec), properties);
    input = driver.createInputTopic(INPUT, new StringSerializer(), new ByteArraySerializer());
  }

  void sale(String order, String day, String city, String employee, String amount) {
    String[] place = city.split("\\|", -1);
    raw(city, """
        {"type":"sale","order_id":"%s","line":1,"order_date":"%s","country":"%s","state":"%s","city":"%s",
         "employee_key":"%s","salesman":"Name %s","amount":"%s","ts":"%sT00:00:00Z"}"""
        .formatted(order, day, place[0], place[1], place[2], employee, employee, amount, day));
  }

  void raw(String key, String value) {
    raw(key, value.getBytes(StandardCharsets.UTF_8));
  }

  void raw(String key, byte[] value) {
    input.pipeInput(key, value);
  }

  Map<String, String> results() {
    return driver.createOutputTopic(OUTPUT, new StringDeserializer(), new StringDeserializer()).readKeyValuesToMap();
  }

  @Override
  public void close() {
    driver.close();
  }
}
