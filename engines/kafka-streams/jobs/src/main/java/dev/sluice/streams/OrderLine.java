package dev.sluice.streams;

import dev.sluice.streams.SaleEvent.Sale;

/** A sale line together with whether it is the first one seen of its order. */
record OrderLine(Sale sale, boolean firstOfOrder) {}
