package dev.sluice.spark;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import scala.Tuple2;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Objects in S3, reached with the same endpoint settings as Spark's own file system; credentials come from the environment. */
final class S3ObjectStore implements ObjectStore {
  private static final int PRECONDITION_FAILED = 412;
  private static final int CONFLICT = 409;
  private static final int CONFLICT_ATTEMPTS = 5;
  private static final long CONFLICT_PAUSE_MS = 200;

  private final S3Client client;

  S3ObjectStore(S3Client client) {
    this.client = client;
  }

  /** Settings from core-site.xml on the classpath, overridden by {@code spark.hadoop.*} properties. */
  static S3ObjectStore fromEnvironment() {
    Configuration hadoop = new Configuration();
    for (Tuple2<String, String> entry : new SparkConf().getAllWithPrefix("spark.hadoop.")) {
      hadoop.set(entry._1(), entry._2());
    }
    S3ClientBuilder builder = S3Client.builder()
        .region(Region.of(hadoop.getTrimmed("fs.s3a.endpoint.region", "us-east-1")))
        .forcePathStyle(hadoop.getBoolean("fs.s3a.path.style.access", false))
        // Stores other than AWS often refuse the trailing checksums that the client would add by itself.
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
    String endpoint = hadoop.getTrimmed("fs.s3a.endpoint", "");
    if (!endpoint.isEmpty()) {
      boolean tls = hadoop.getBoolean("fs.s3a.connection.ssl.enabled", true);
      builder.endpointOverride(
          URI.create(endpoint.contains("://") ? endpoint : (tls ? "https://" : "http://") + endpoint));
    }
    return new S3ObjectStore(builder.build());
  }

  @Override
  public Optional<byte[]> read(String path) {
    S3Path at = S3Path.parse(path);
    try {
      return Optional.of(client.getObjectAsBytes(r -> r.bucket(at.bucket()).key(at.key())).asByteArray());
    } catch (NoSuchKeyException e) {
      return Optional.empty();
    }
  }

  @Override
  public boolean putIfAbsent(String path, byte[] body) {
    S3Path at = S3Path.parse(path);
    for (int attempt = 1; ; attempt++) {
      try {
        client.putObject(r -> r.bucket(at.bucket()).key(at.key()).ifNoneMatch("*"), RequestBody.fromBytes(body));
        return true;
      } catch (S3Exception e) {
        if (e.statusCode() == PRECONDITION_FAILED) {
          return false;
        }
        // Two conditional writes at the same instant: S3 asks to try again.
        if (e.statusCode() != CONFLICT || attempt == CONFLICT_ATTEMPTS) {
          throw e;
        }
        pause(CONFLICT_PAUSE_MS * attempt);
      }
    }
  }

  @Override
  public void put(String path, byte[] body) {
    S3Path at = S3Path.parse(path);
    client.putObject(r -> r.bucket(at.bucket()).key(at.key()), RequestBody.fromBytes(body));
  }

  @Override
  public List<String> list(String folder) {
    S3Path at = S3Path.parse(folder);
    String prefix = at.key().endsWith("/") ? at.key() : at.key() + "/";
    return client.listObjectsV2Paginator(r -> r.bucket(at.bucket()).prefix(prefix)).contents().stream()
        .map(S3Object::key)
        .filter(key -> !key.endsWith("/"))
        .sorted()
        .map(key -> "s3a://" + at.bucket() + "/" + key)
        .toList();
  }

  @Override
  public void download(String path, Path target) {
    S3Path at = S3Path.parse(path);
    client.getObject(r -> r.bucket(at.bucket()).key(at.key()), target);
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the object store", e);
    }
  }
}
