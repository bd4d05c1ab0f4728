/** The `sluice` command: a face over the facade and the local stack, one file per command. */
import { Command, CommanderError } from 'commander';
import { isSluiceError, messageOf } from '../infra/errors.js';
import { addDemoCommand } from './cli/demo.js';
import { addEnvCommand } from './cli/env.js';
import { addLoadCommand } from './cli/load.js';
import { addLogsCommand } from './cli/logs.js';
import { addReconcileCommand } from './cli/reconcile.js';
import { addRunCommand } from './cli/run.js';
import { addStackCommands } from './cli/stack.js';
import { addStatusCommand } from './cli/status.js';
import { addStreamCommands } from './cli/streams.js';
import { addValidateCommand } from './cli/validate.js';
import { addWorkerCommands } from './cli/worker.js';
import { describeError, exitCodeOf } from './exit.js';

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
  addLogsCommand,
  addValidateCommand,
  addLoadCommand,
  addStreamCommands,
  addReconcileCommand,
  addWorkerCommands,
]) {
  add(program);
}

// Usage errors are requests that cannot be right, and end like all of those.
program.exitOverride();
for (const command of allCommands(program)) command.exitOverride();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function allCommands(parent: Command): Command[] {
  return parent.commands.flatMap((command) => [command, ...allCommands(command)]);
}

/** Says what is wrong and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (process.argv.includes('--json')) {
    const code = isSluiceError(error) ? error.code : 'UNKNOWN';
    process.stdout.write(`${JSON.stringify({ ok: false, error: { code, message: messageOf(error) } })}\n`);
  }
  process.stderr.write(`sluice: ${describeError(error)}\n`);
  return exitCodeOf(error);
}
