package dev.sluice.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Lets exactly one driver work for a submission: the first to create the claim object. Whoever looks for the
 * submission's driver reads its id there.
 */
final class Claim {
  /** Another driver works, or worked, for this submission; this one must touch nothing. */
  static final class Lost extends RuntimeException {
    Lost(String owner) {
      super("the submission is claimed by " + owner);
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ObjectStore store;
  private final String path;
  private final String driverId;

  Claim(ObjectStore store, String path, String driverId) {
    this.store = store;
    this.path = path;
    this.driverId = driverId;
  }

  /** The standalone worker runs each driver in a folder named after its id. */
  static String driverIdOfWorkingDirectory() {
    return String.valueOf(Path.of("").toAbsolutePath().getFileName());
  }

  /** Cheap look before an application is registered with the master: a late twin stops here. */
  void refuseIfTaken() throws IOException {
    Optional<String> owner = owner();
    if (owner.isPresent() && !owner.get().equals(driverId)) {
      throw new Lost(owner.get());
    }
  }

  /**
   * Takes the claim or throws {@link Lost}. A refused write is read back, because a repeated request may have met
   * our own first one.
   */
  void take(String appId) throws IOException {
    byte[] body = JSON.writeValueAsBytes(JSON.createObjectNode().put("driverId", driverId).put("appId", appId));
    if (!store.putIfAbsent(path, body)) {
      String owner = owner().orElse("a driver whose claim has gone");
      if (!owner.equals(driverId)) {
        throw new Lost(owner);
      }
    }
  }

  private Optional<String> owner() throws IOException {
    Optional<byte[]> body = store.read(path);
    if (body.isEmpty()) {
      return Optional.empty();
    }
    JsonNode claim = JSON.readTree(body.get());
    return Optional.of(claim.path("driverId").asText("an unreadable claim"));
  }
}
