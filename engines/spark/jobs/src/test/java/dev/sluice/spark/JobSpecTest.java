package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a spec may say, and what is said to one that may not. */
class JobSpecTest {
  private static final String GOOD = """
      {"key":"0123456789abcdef0123456789abcdef","tag":"sluice:i:0123456789abcdef0123456789abcdef","name":"n",
       "partition":{"from":"1997-01-01","to":"1997-01-02"},
       "params":{"days":7,"big":5000000000,"rate":0.25,"text":"a'b","on":true,"none":null},
       "inputs":[{"name":"sales","format":"parquet","path":"s3a://lake/sales/"}],
       "outputs":[{"name":"out","format":"parquet","path":"s3a://lake/p/k/out/"}],
       "claim":"s3a://lake/p/k/_claim","manifest":"s3a://lake/p/k/_manifest.json","later":"ignored"}""";

  private static void refused(String json, String part) {
    String message = assertThrows(JobSpec.BadSpec.class, () -> Parameters.of(JobSpec.parse(json))).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void parametersAreTyped() {
    Map<String, Object> values = Parameters.of(JobSpec.parse(GOOD));
    assertEquals(7, values.get("days"));
    assertEquals(5_000_000_000L, values.get("big"));
    assertEquals(new BigDecimal("0.25"), values.get("rate"));
    assertEquals("a'b", values.get("text"));
    assertEquals(true, values.get("on"));
    assertNull(values.get("none"));
    assertEquals(LocalDate.of(1997, 1, 1), values.get("partition_from"));
    assertEquals(LocalDate.of(1997, 1, 2), values.get("partition_to"));
  }

  @Test
  void refusesWhatCannotBeRight() {
    refused("{", "not JSON");
    refused("[]", "object");
    refused(GOOD.replace("\"key\":\"0", "\"key\":\"X"), "32 hexadecimal");
    refused(GOOD.replace("\"to\":\"1997-01-02\"", "\"to\":\"1997-02-30\""), "partition.to");
    refused(GOOD.replace("\"to\":\"1997-01-02\"", "\"to\":\"1997-01-01\""), "before");
    refused(GOOD.replace("\"name\":\"out\"", "\"name\":\"o-u\""), "identifier");
    refused(GOOD.replace("\"days\":7", "\"days\":[7]"), "parameter days");
    refused(GOOD.replace("\"days\"", "\"partition_to\""), "reserved");
    refused(GOOD.replace("\"manifest\"", "\"other\""), "manifest");
    refused(GOOD.replace("\"parquet\",\"path\":\"s3a://lake/p/k/out/\"", "\"orc\",\"path\":\"x\""), "only parquet");
    assertThrows(JobSpec.BadSpec.class, () -> JobSpec.fromArguments(new String[] {"--sepc", GOOD}));
  }

  @Test
  void objectPathsAreTakenLiterally() {
    assertEquals(new S3Path("lake", "a b/month=1997-01/x%20y"), S3Path.parse("s3a://lake/a b/month=1997-01/x%20y"));
    assertEquals(new S3Path("lake", "k"), S3Path.parse("s3://lake/k"));
    for (String bad : new String[] {"/tmp/x", "file:///tmp/x", "s3a://lake", "s3a://lake/", "s3a:///k"}) {
      assertThrows(JobSpec.BadSpec.class, () -> S3Path.parse(bad), bad);
    }
  }
}
