package dev.sluice.spark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Optional;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.LocalInputFile;
import org.apache.spark.sql.types.StructType;

/** The proof of success of a submission: what was written, file by file, read back from the store. Written once and last. */
final class Manifest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ObjectStore store;
  private final String path;
  private final String key;
  private final ArrayNode outputs = JSON.createArrayNode();

  Manifest(ObjectStore store, String path, String key) {
    this.store = store;
    this.path = path;
    this.key = key;
  }

  /** True when this submission has been completed before. */
  boolean exists() throws IOException {
    Optional<byte[]> body = store.read(path);
    if (body.isEmpty()) {
      return false;
    }
    String other = JSON.readTree(body.get()).path("key").asText();
    if (!other.equals(key)) {
      throw new JobSpec.BadSpec("the manifest belongs to submission " + other);
    }
    return true;
  }

  /** Reads every file of a written output once and returns its number of rows. */
  long add(JobSpec.Dataset output, StructType schema) throws IOException {
    ObjectNode entry = outputs.addObject().put("name", output.name());
    ArrayNode files = entry.putArray("files");
    long rows = 0;
    for (String file : store.list(output.path())) {
      if (isData(file)) {
        rows += describe(file, files.addObject());
      }
    }
    entry.put("rows", rows);
    entry.set("schema", ColumnTypes.describe(output.name(), schema));
    return rows;
  }

  /** The last act of the job. A refused write is no fault when the manifest there is of the same submission. */
  void write() throws IOException {
    ObjectNode root = JSON.createObjectNode().put("key", key);
    root.set("outputs", outputs);
    root.put("finishedAt", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
    if (!store.putIfAbsent(path, JSON.writeValueAsBytes(root)) && !exists()) {
      throw new IOException("the manifest was refused and cannot be read: " + path);
    }
  }

  private static boolean isData(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    return !name.startsWith("_") && !name.startsWith(".");
  }

  private long describe(String file, ObjectNode node) throws IOException {
    Path folder = Files.createTempDirectory("sluice-");
    Path copy = folder.resolve("part.parquet");
    try {
      store.download(file, copy);
      long rows;
      try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(copy))) {
        rows = reader.getRecordCount();
      }
      node.put("path", file.replaceFirst("^s3a://", "s3://"));
      node.put("rows", rows).put("bytes", Files.size(copy)).put("sha256", sha256(copy));
      return rows;
    } finally {
      Files.deleteIfExists(copy);
      Files.deleteIfExists(folder);
    }
  }

  private static String sha256(Path file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
