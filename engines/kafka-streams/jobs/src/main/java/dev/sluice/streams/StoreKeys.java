package dev.sluice.streams;

/** Joins texts into one store key so that no two lists of texts give the same key, whatever they contain. */
final class StoreKeys {
  private StoreKeys() {}

  static String join(String... parts) {
    StringBuilder key = new StringBuilder();
    for (String part : parts) {
      key.append(part.length()).append(':').append(part);
    }
    return key.toString();
  }
}
