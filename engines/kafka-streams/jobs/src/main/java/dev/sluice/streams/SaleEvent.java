package dev.sluice.streams;

import java.math.BigDecimal;
import java.time.LocalDate;

/** What the sales topic says: a sale line, or that a day is complete. */
public sealed interface SaleEvent {
  /** One line of an order; the amount is exact, with four decimals. */
  record Sale(
      String orderId,
      LocalDate orderDate,
      String country,
      String state,
      String city,
      String employeeKey,
      String salesman,
      BigDecimal amount)
      implements SaleEvent {}

  /** Said to every partition after the last sale of a day. */
  record DayClosed(LocalDate day) implements SaleEvent {}
}
