/** The local stack: servers from the package registries, as background processes of this clone. */
export { startStack, stackEnv, stopStack, type StackOptions } from './stack.js';
export { startProcess, stopProcess, listProcesses, logFile } from './process.js';
export type { ListedProcess, ProcessRecord } from './process.js';
export { processIdentity, isAlive, groupMembers, type ProcessIdentity } from './identity.js';
export { doctor, describe, type Check } from './doctor.js';
export { buildJobs, jobJars, type JobJars } from './jobs.js';
export { foodmartJar } from './artifacts.js';
export { findJdk, requireJavaHome } from './platform.js';
export { layout, cacheFolder, type Layout } from './layout.js';
export { withLock } from './lock.js';
export { tail } from './tail.js';
export { waitFor } from './wait.js';
export type { ProcessSpec, Progress, StackEnv } from './types.js';
