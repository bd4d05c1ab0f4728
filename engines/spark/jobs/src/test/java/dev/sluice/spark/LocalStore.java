package dev.sluice.spark;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Objects as files of a folder, with every write noted in order. */
final class LocalStore implements ObjectStore {
  final List<String> written = new ArrayList<>();

  @Override
  public Optional<byte[]> read(String path) throws IOException {
    Path file = Path.of(path);
    return Files.exists(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
  }

  @Override
  public boolean putIfAbsent(String path, byte[] body) throws IOException {
    Files.createDirectories(Path.of(path).getParent());
    try {
      Files.write(Path.of(path), body, StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      return false;
    }
    written.add(name(path));
    return true;
  }

  @Override
  public void put(String path, byte[] body) throws IOException {
    Files.createDirectories(Path.of(path).getParent());
    Files.write(Path.of(path), body);
    written.add(name(path));
  }

  @Override
  public List<String> list(String folder) throws IOException {
    if (!Files.exists(Path.of(folder))) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(Path.of(folder))) {
      return files.filter(Files::isRegularFile).map(Path::toString).sorted().toList();
    }
  }

  @Override
  public void download(String path, Path target) throws IOException {
    Files.copy(Path.of(path), target);
  }

  private static String name(String path) {
    return Path.of(path).getFileName().toString();
  }
}
