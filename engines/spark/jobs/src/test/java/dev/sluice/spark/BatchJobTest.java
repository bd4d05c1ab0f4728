package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A submission from claim to manifest over a folder: one winner, the manifest last, and what a failure leaves behind. */
class BatchJobTest {
  private static final String KEY = "0123456789abcdef0123456789abcdef";
  private static final ObjectMapper JSON = new ObjectMapper();
  private final LocalStore store = new LocalStore();
  @TempDir Path folder;

  private JobSpec spec(String sql) throws IOException {
    return JobSpec.parse("""
        {"key":"%s","name":"t","partition":{"from":"1997-02-01","to":"1997-02-03"},"params":{"least":1.5},
         "sql":%s,"inputs":[{"name":"sales","format":"parquet","path":"%s/sales/"}],
         "outputs":[{"name":"big","format":"parquet","path":"%s/big/"}],
         "claim":"%s/_claim","manifest":"%s/_manifest.json"}"""
        .formatted(KEY, JSON.writeValueAsString(sql), folder, folder, folder, folder));
  }

  private int run(String driver, JobSpec spec) {
    return new BatchJob(store, TestSpark::session, driver).run(spec, SqlRunner::runScript);
  }

  private void lake() {
    Sales.rows(
            TestSpark.session(),
            "o1|1997-01-31|USA|WA|Tacoma|e1|Ann|9.0000",
            "o2|1997-02-01|USA|WA|Tacoma|e1|Ann|1.0000",
            "o3|1997-02-01|USA|WA|Tacoma|e1|Ann|2.0000",
            "o4|1997-02-02|Deutschland|BY|München|e2|Bob|3.0000",
            "o5|1997-02-03|USA|WA|Tacoma|e1|Ann|9.0000")
        .write()
        .partitionBy("month")
        .parquet(folder + "/sales/");
  }

  private static final String BIG = """
      -- A typed decimal parameter; one statement builds on the other.
      CREATE OR REPLACE TEMPORARY VIEW wanted AS
        SELECT * FROM sales WHERE order_date >= :partition_from AND order_date < :partition_to AND month = '1997-02';
      CREATE OR REPLACE TEMPORARY VIEW big AS SELECT order_id, city, amount FROM wanted WHERE amount >= :least;
      """;

  @Test
  void writesClaimThenOutputThenManifest() throws Exception {
    lake();
    assertEquals(0, run("driver-1", spec(BIG)));
    assertEquals(List.of("_claim", "_manifest.json"), store.written);
    JsonNode claim = JSON.readTree(Files.readAllBytes(folder.resolve("_claim")));
    assertEquals("driver-1", claim.get("driverId").textValue());
    assertFalse(claim.get("appId").textValue().isEmpty());

    JsonNode manifest = JSON.readTree(Files.readAllBytes(folder.resolve("_manifest.json")));
    assertEquals(KEY, manifest.get("key").textValue());
    JsonNode output = manifest.get("outputs").get(0);
    assertEquals("big", output.get("name").textValue());
    assertEquals(2, output.get("rows").intValue());
    assertEquals(
        "[{\"name\":\"order_id\",\"type\":\"text\"},{\"name\":\"city\",\"type\":\"text\"},"
            + "{\"name\":\"amount\",\"type\":\"numeric(18,4)\"}]",
        output.get("schema").toString());
    assertEquals(1, output.get("files").size(), "a small output is one file");
    JsonNode file = output.get("files").get(0);
    byte[] body = Files.readAllBytes(Path.of(file.get("path").textValue()));
    assertEquals(2, file.get("rows").intValue());
    assertEquals(body.length, file.get("bytes").intValue());
    assertEquals(
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body)), file.get("sha256").textValue());

    // The same driver, or a later one: the work is done and is not done again.
    byte[] before = Files.readAllBytes(folder.resolve("_manifest.json"));
    BatchJob later = new BatchJob(store, () -> fail("no session is needed"), "driver-2");
    assertEquals(0, later.run(spec(BIG), SqlRunner::runScript));
    assertEquals(List.of("_claim", "_manifest.json"), store.written);
    assertEquals(new String(before), Files.readString(folder.resolve("_manifest.json")));
  }

  @Test
  void theLoserTouchesNothing() throws Exception {
    Files.writeString(folder.resolve("_claim"), "{\"driverId\":\"driver-1\",\"appId\":\"app-1\"}");
    BatchJob twin = new BatchJob(store, () -> fail("no session is needed"), "driver-2");
    assertEquals(75, twin.run(spec(BIG), SqlRunner::runScript));
    assertEquals(List.of(), store.written);
  }

  @Test
  void aTwinThatComesBetweenLookAndClaimLosesToo() throws Exception {
    JobSpec spec = spec(BIG);
    BatchJob twin = new BatchJob(
        store,
        () -> {
          try {
            Files.writeString(folder.resolve("_claim"), "{\"driverId\":\"driver-1\",\"appId\":\"app-1\"}");
          } catch (IOException e) {
            fail(e);
          }
          return TestSpark.session();
        },
        "driver-2");
    assertEquals(75, twin.run(spec, SqlRunner::runScript));
    assertEquals(List.of(), store.written);
  }

  @Test
  void theSameDriverGoesOnWithItsClaim() throws Exception {
    lake();
    Files.writeString(folder.resolve("_claim"), "{\"driverId\":\"driver-1\",\"appId\":\"app-1\"}");
    assertEquals(0, run("driver-1", spec(BIG)));
    assertTrue(Files.exists(folder.resolve("_manifest.json")));
  }

  @Test
  void anEmptyOutputIsStillProved() throws Exception {
    lake();
    assertEquals(0, run("driver-1", spec(BIG.replace("'1997-02'", "'1990-01'"))));
    JsonNode output = JSON.readTree(Files.readAllBytes(folder.resolve("_manifest.json"))).get("outputs").get(0);
    assertEquals(0, output.get("rows").intValue());
    assertEquals(3, output.get("schema").size());
  }

  @Test
  void aFailureLeavesANoteAndNoManifest() throws Exception {
    lake();
    assertEquals(1, run("driver-1", spec("SELECT 1;\nCREATE OR REPLACE TEMPORARY VIEW big AS SELECT nothing FROM sales")));
    assertEquals(List.of("_claim", "_failure.json"), store.written);
    JsonNode note = JSON.readTree(Files.readAllBytes(folder.resolve("_failure.json")));
    assertEquals("user", note.get("blame").textValue());
    assertTrue(note.get("message").textValue().startsWith("statement at line 2: [UNRESOLVED_COLUMN"), note.toString());
    assertFalse(Files.exists(folder.resolve("_manifest.json")));
  }

  @Test
  void badDataIsTheUsersAndIsFoundWhileWriting() throws Exception {
    lake();
    assertEquals(1, run("driver-1", spec("CREATE OR REPLACE TEMPORARY VIEW big AS SELECT 1 / (amount - 1) AS x FROM sales")));
    assertEquals("user", JSON.readTree(Files.readAllBytes(folder.resolve("_failure.json"))).get("blame").textValue());
  }
}
