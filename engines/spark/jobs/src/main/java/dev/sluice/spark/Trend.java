package dev.sluice.spark;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.ml.regression.LinearRegression;
import org.apache.spark.ml.regression.LinearRegressionModel;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Fits a straight line to each of many short series with one regression for all: every series has two columns of its
 * own (level and slope) in one sparse, block-diagonal design, so that the series do not touch each other.
 */
final class Trend {
  /** Observations of one series and the place at which its line is read. */
  record Series(double[] x, double[] y, double at) {
    private double centre() {
      return Arrays.stream(x).average().orElseThrow();
    }
  }

  /** Two columns a series; the normal solver takes 4096 at most, and its cost grows with the cube. */
  private static final int SERIES_PER_FIT = 512;
  /** Finer than any rounding needed, coarser than the error of the arithmetic: exact halves stay halves. */
  private static final int NOISE_SCALE = 7;
  private static final StructType DESIGN = new StructType()
      .add("label", DataTypes.DoubleType, false)
      .add("features", SQLDataTypes.VectorType(), false);

  private Trend() {}

  /** The value of each series' line at its place, with the given number of decimals. */
  static List<BigDecimal> predict(SparkSession spark, List<Series> all, int scale) {
    List<BigDecimal> predictions = new ArrayList<>(all.size());
    for (int begin = 0; begin < all.size(); begin += SERIES_PER_FIT) {
      List<Series> some = all.subList(begin, Math.min(all.size(), begin + SERIES_PER_FIT));
      double[] coefficients = fit(spark, some);
      for (int i = 0; i < some.size(); i++) {
        Series series = some.get(i);
        double value = coefficients[2 * i] + coefficients[2 * i + 1] * (series.at() - series.centre());
        predictions.add(BigDecimal.valueOf(value)
            .setScale(NOISE_SCALE, RoundingMode.HALF_EVEN)
            .setScale(scale, RoundingMode.HALF_UP));
      }
    }
    return predictions;
  }

  private static double[] fit(SparkSession spark, List<Series> some) {
    int columns = 2 * some.size();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < some.size(); i++) {
      Series series = some.get(i);
      double centre = series.centre();
      for (int j = 0; j < series.x().length; j++) {
        // Centred, so that level and slope do not depend on each other and no digits are lost.
        Vector features = Vectors.sparse(columns, new int[] {2 * i, 2 * i + 1}, new double[] {1, series.x()[j] - centre});
        rows.add(RowFactory.create(series.y()[j], features));
      }
    }
    // The solver drops columns that never change. A row of zeros adds nothing to the normal equations and keeps the
    // level column of a lone series from looking constant.
    rows.add(RowFactory.create(0.0, Vectors.sparse(columns, new int[0], new double[0])));
    LinearRegressionModel model = new LinearRegression()
        .setSolver("normal")
        .setFitIntercept(false)
        .setRegParam(0)
        .fit(spark.createDataFrame(rows, DESIGN));
    return model.coefficients().toArray();
  }
}
