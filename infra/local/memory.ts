/** All heaps and memory limits of the local stack in one table, sized for 6 GiB resident in all. */
export const MEMORY = {
  /** Megabytes of Java heap per process. */
  heapMb: {
    kafka: 320,
    flinkJobManager: 512,
    sparkMaster: 192,
    sparkWorker: 160,
    sparkHistory: 256,
  },
  /** The TaskManager's parts in megabytes; heap = framework + task heap, direct = both off-heap parts + network. */
  flinkTaskManager: {
    frameworkHeapMb: 96,
    taskHeapMb: 416,
    frameworkOffHeapMb: 96,
    taskOffHeapMb: 0,
    managedMb: 128,
    networkMb: 96,
    metaspaceMb: 256,
    overheadMb: 128,
  },
  flinkJobManagerMetaspaceMb: 320,
  /** What the Spark worker offers to drivers and executors; a promise, not a reservation. */
  sparkWorkerMb: 8192,
  postgresSharedBuffersMb: 128,
  /** What the Go servers are asked to stay under. */
  goLimitMb: {
    temporal: 512,
    s3: 384,
  },
} as const;

/** What `doctor` asks of the machine. */
export const NEEDS = {
  memoryGib: 8,
  diskGb: 6,
  /** Once everything is fetched and unpacked. */
  diskWhenUnpackedGb: 1,
} as const;
