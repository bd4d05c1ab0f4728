/** The `sluice` command: a face over the facade and the local stack, one file per command. */
import { Command } from 'commander';
import { isSluiceError } from '../infra/errors.js';
import { addDemoCommand } from './cli/demo.js';
import { addEnvCommand } from './cli/env.js';
import { addLoadCommand } from './cli/load.js';
import { addRunCommand } from './cli/run.js';
import { addStackCommands } from './cli/stack.js';
import { addStatusCommand } from './cli/status.js';
import { addStreamCommands } from './cli/streams.js';
import { addValidateCommand } from './cli/validate.js';
import { addWorkerCommands } from './cli/worker.js';

// A reader that has seen enough (`sluice status | head`) closes the pipe; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const program = new Command('sluice')
  .description('Batch and stream control plane over Flink, Spark and Kafka Streams')
  .version('0.1.0')
  .showHelpAfterError('(sluice --help shows all commands)');

for (const add of [
  addDemoCommand,
  addStackCommands,
  addEnvCommand,
  addRunCommand,
  addStatusCommand,
  addValidateCommand,
  addLoadCommand,
  addStreamCommands,
  addWorkerCommands,
]) {
  add(program);
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // Our own errors say what would be right; anything else is a fault of ours and shows where it came from.
  const text = isSluiceError(error)
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.stack
      : String(error);
  process.stderr.write(`sluice: ${text ?? 'unknown error'}\n`);
  process.exitCode = isSluiceError(error, 'INVALID_REQUEST') || isSluiceError(error, 'CONFIG_INVALID') ? 2 : 1;
}
