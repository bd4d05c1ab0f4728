package dev.sluice.streams;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/** Serves the application's status as JSON on a free loopback port and says in a file which port that is. */
final class StatusServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newFixedThreadPool(2, run -> {
    Thread thread = new Thread(run, "status");
    thread.setDaemon(true);
    return thread;
  });

  StatusServer(Supplier<Map<String, Object>> status) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 16);
    server.createContext("/", exchange -> {
      try (exchange) {
        byte[] body = JSON.writeValueAsBytes(status.get());
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
      }
    });
    server.setExecutor(threads);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** Writes the file beside itself and renames it, so that a reader never finds half of it. */
  void announce(Path file, String key) throws IOException {
    Path target = file.toAbsolutePath();
    Files.createDirectories(target.getParent());
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("pid", ProcessHandle.current().pid());
    content.put("port", port());
    content.put("key", key);
    Path draft = target.resolveSibling(target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    Files.write(draft, JSON.writeValueAsBytes(content));
    Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
