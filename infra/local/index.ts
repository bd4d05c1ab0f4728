/** The local stack: servers from the package registries, as background processes of this clone. */
export { startStack, stackEnv, stopStack, type StackOptions } from './stack.js';
export { startProcess, stopProcess, listProcesses, logFile } from './process.js';
export type { ListedProcess, ProcessRecord } from './process.js';
export { processIdentity, isAlive, type ProcessIdentity } from './identity.js';
export { layout, cacheFolder, type Layout } from './layout.js';
export type { ProcessSpec, Progress, StackEnv } from './types.js';
