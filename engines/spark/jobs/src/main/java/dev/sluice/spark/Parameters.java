package dev.sluice.spark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;

/** Turns the partition and the parameters of a spec into typed values for the named markers of a SQL file. */
final class Parameters {
  static final String FROM = "partition_from";
  static final String TO = "partition_to";

  private Parameters() {}

  static Map<String, Object> of(JobSpec spec) {
    Map<String, Object> values = new HashMap<>();
    spec.params().forEach((name, value) -> {
      if (name.equals(FROM) || name.equals(TO)) {
        throw new JobSpec.BadSpec("parameter name " + name + " is reserved");
      }
      values.put(name, typed(name, value));
    });
    values.put(FROM, spec.from());
    values.put(TO, spec.to());
    return values;
  }

  private static Object typed(String name, JsonNode value) {
    if (value.isNull()) {
      return null;
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (value.isTextual()) {
      return value.textValue();
    }
    if (value.isIntegralNumber() && value.canConvertToLong()) {
      return value.canConvertToInt() ? (Object) value.intValue() : (Object) value.longValue();
    }
    if (value.isNumber()) {
      return value.decimalValue();
    }
    throw new JobSpec.BadSpec("parameter " + name + " must be a text, number, boolean or null");
  }
}
