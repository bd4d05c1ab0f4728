package dev.sluice.spark;

/** A bucket and a key, read from {@code s3a://bucket/key} or {@code s3://bucket/key}; keys are taken as they are, without URL decoding. */
record S3Path(String bucket, String key) {
  static S3Path parse(String path) {
    int scheme = path.indexOf("://");
    int slash = scheme < 0 ? -1 : path.indexOf('/', scheme + 3);
    boolean known = path.startsWith("s3a://") || path.startsWith("s3://");
    if (!known || slash <= scheme + 3 || slash == path.length() - 1) {
      throw new JobSpec.BadSpec("not an object path (s3a://bucket/key): " + path);
    }
    return new S3Path(path.substring(scheme + 3, slash), path.substring(slash + 1));
  }
}
