package dev.sluice.spark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Names Spark's column types in the words of pipeline declarations. */
final class ColumnTypes {
  /** The job's output holds a type that no curated table can take. */
  static final class Unsupported extends RuntimeException {
    Unsupported(String message) {
      super(message);
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private ColumnTypes() {}

  static ArrayNode describe(String dataset, StructType schema) {
    ArrayNode columns = JSON.createArrayNode();
    for (StructField field : schema.fields()) {
      columns.addObject().put("name", field.name()).put("type", name(dataset, field));
    }
    return columns;
  }

  private static String name(String dataset, StructField field) {
    DataType type = field.dataType();
    if (type instanceof DecimalType decimal) {
      return "numeric(" + decimal.precision() + "," + decimal.scale() + ")";
    }
    if (type instanceof StringType) {
      return "text";
    }
    if (type.equals(DataTypes.DateType)) {
      return "date";
    }
    if (type.equals(DataTypes.LongType)) {
      return "bigint";
    }
    if (type.equals(DataTypes.IntegerType) || type.equals(DataTypes.ShortType) || type.equals(DataTypes.ByteType)) {
      return "int";
    }
    if (type.equals(DataTypes.BooleanType)) {
      return "boolean";
    }
    if (type.equals(DataTypes.DoubleType) || type.equals(DataTypes.FloatType)) {
      return "double";
    }
    if (type.equals(DataTypes.TimestampType)) {
      return "timestamptz";
    }
    if (type.equals(DataTypes.TimestampNTZType)) {
      return "timestamp";
    }
    throw new Unsupported("output " + dataset + ": column " + field.name() + " has type " + type.sql() + "; cast it");
  }
}
