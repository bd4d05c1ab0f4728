/** What a worker process and the one who starts it agree on. */

/** Part of the line that a worker writes to stderr once it polls all its queues, whatever the log level. */
export const READY_LINE = '"msg":"ready"';

/** Argument that names the state of code and settings a worker was started with. */
export const CODE_ARGUMENT = '--code=';
