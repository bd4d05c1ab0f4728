package dev.sluice.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The one regression for all series gives each series its own least-squares line, to the last decimal. */
class TrendTest {
  /** The textbook formula in decimal arithmetic. */
  private static BigDecimal exact(Trend.Series series) {
    MathContext wide = new MathContext(60);
    BigDecimal n = BigDecimal.valueOf(series.x().length);
    BigDecimal sumX = BigDecimal.ZERO;
    BigDecimal sumY = BigDecimal.ZERO;
    BigDecimal sumXX = BigDecimal.ZERO;
    BigDecimal sumXY = BigDecimal.ZERO;
    for (int i = 0; i < series.x().length; i++) {
      BigDecimal x = BigDecimal.valueOf(series.x()[i]);
      BigDecimal y = BigDecimal.valueOf(series.y()[i]);
      sumX = sumX.add(x);
      sumY = sumY.add(y);
      sumXX = sumXX.add(x.multiply(x));
      sumXY = sumXY.add(x.multiply(y));
    }
    BigDecimal top = n.multiply(sumXY).subtract(sumX.multiply(sumY));
    BigDecimal bottom = n.multiply(sumXX).subtract(sumX.multiply(sumX));
    BigDecimal ahead = n.multiply(BigDecimal.valueOf(series.at())).subtract(sumX);
    // Level + slope × distance, brought to one division so that exact halves are seen.
    BigDecimal value = sumY.multiply(bottom).add(top.multiply(ahead)).divide(n.multiply(bottom), wide);
    return value.setScale(4, RoundingMode.HALF_UP);
  }

  private static void agree(List<Trend.Series> all) {
    List<BigDecimal> fitted = Trend.predict(TestSpark.session(), all, 4);
    assertEquals(all.stream().map(TrendTest::exact).toList(), fitted);
  }

  @Test
  void agreesWithTheClosedFormOverManySeries() {
    Random random = new Random(1);
    List<Trend.Series> all = new ArrayList<>();
    // More than one fit's worth, of all lengths, sizes and with gaps.
    for (int i = 0; i < 600; i++) {
      int length = 3 + random.nextInt(12);
      double[] x = new double[length];
      double[] y = new double[length];
      double quarter = 7988 + random.nextInt(4);
      double size = Math.pow(10, 1 + random.nextInt(6));
      for (int j = 0; j < length; j++) {
        x[j] = quarter;
        quarter += 1 + random.nextInt(2);
        y[j] = Math.round(random.nextDouble() * size * 1e4) / 1e4;
      }
      all.add(new Trend.Series(x, y, x[length - 1] + 1));
    }
    agree(all);
  }

  @Test
  void aLoneSeriesIsFittedToo() {
    agree(List.of(new Trend.Series(new double[] {1, 2, 3}, new double[] {10.5, 20.25, 40.1234}, 4)));
  }

  @Test
  void constantAndZeroSeriesAreFittedToo() {
    double[] x = {7989, 7990, 7991};
    agree(List.of(new Trend.Series(x, new double[] {5, 5, 5}, 7992)));
    agree(List.of(new Trend.Series(x, new double[] {0, 0, 0}, 7992)));
    agree(Collections.nCopies(2, new Trend.Series(x, new double[] {5, 5, 5}, 7992)));
  }

  @Test
  void noSeriesNoFit() {
    assertEquals(List.of(), Trend.predict(TestSpark.session(), List.of(), 4));
  }
}
