package dev.sluice.streams;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/**
 * Puts all stores of the process under one memory bound outside the heap: by default every store takes a cache of its
 * own, and the process would grow with the number of partitions.
 */
public final class BoundedRocksDb implements RocksDBConfigSetter {
  private static final long TOTAL_BYTES = Long.getLong("sluice.rocksdb.mb", 48L) << 20;
  private static final long WRITE_BUFFER_BYTES = TOTAL_BYTES / 2;
  private static final long ONE_WRITE_BUFFER_BYTES = 4L << 20;

  static {
    RocksDB.loadLibrary();
  }

  // Shared by all stores and never closed: they live as long as the process.
  private static final Cache CACHE = new LRUCache(TOTAL_BYTES);
  private static final WriteBufferManager WRITE_BUFFERS = new WriteBufferManager(WRITE_BUFFER_BYTES, CACHE);

  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(CACHE);
    table.setCacheIndexAndFilterBlocks(true);
    table.setPinTopLevelIndexAndFilter(true);
    options.setWriteBufferManager(WRITE_BUFFERS);
    options.setWriteBufferSize(ONE_WRITE_BUFFER_BYTES);
    options.setMaxWriteBufferNumber(2);
    options.setTableFormatConfig(table);
  }

  @Override
  public void close(String store, Options options) {
    // Nothing is owned per store.
  }
}
