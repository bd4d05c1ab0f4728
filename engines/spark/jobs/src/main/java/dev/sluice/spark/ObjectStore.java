package dev.sluice.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The few object operations a job needs beside what Spark reads and writes itself. */
interface ObjectStore {
  /** Whole small object; empty when there is none. */
  Optional<byte[]> read(String path) throws IOException;

  /** Creates the object; false, and nothing changed, when it exists already. */
  boolean putIfAbsent(String path, byte[] body) throws IOException;

  void put(String path, byte[] body) throws IOException;

  /** Paths of all objects below a folder, sorted. */
  List<String> list(String folder) throws IOException;

  /** Copies one object into a local file that does not exist yet. */
  void download(String path, Path target) throws IOException;
}
