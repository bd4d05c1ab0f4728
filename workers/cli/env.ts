/** `sluice env [NAME]`: addresses of the servers in use, as NAME=value lines. */
import type { Command } from 'commander';
import { CONFIG_NAMES } from '../../infra/config.js';
import { SluiceError } from '../../infra/errors.js';
import { listProcesses } from '../../infra/local/index.js';
import { stackHome } from '../deps.js';
import { print, printJson, say } from './output.js';
import { sessionEnv } from './session.js';

export function addEnvCommand(program: Command): void {
  program
    .command('env')
    .description('print the settings of the running stack as NAME=value lines, or the value of one')
    .argument('[name]', 'print only the value of this setting')
    .option('--json', 'print one JSON object')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const env = await sessionEnv();
      const known = Object.fromEntries(
        CONFIG_NAMES.flatMap((setting) => (env[setting] === undefined ? [] : [[setting, env[setting]]])),
      );
      if (Object.keys(known).length === 0) {
        throw new SluiceError(
          'LOCAL_STACK',
          'no stack of this clone is up and no server is set: start it with `npx sluice up`',
        );
      }
      const processes = await listProcesses(stackHome(process.env));
      if (processes.length === 0 || processes.every(({ running }) => !running)) {
        say('note: nothing of this clone runs now; start it with `npx sluice up`');
      }
      if (name === undefined) {
        if (options.json) printJson(known);
        else for (const [setting, value] of Object.entries(known)) print(`${setting}=${value}`);
        return;
      }
      const value = known[name];
      if (value === undefined) {
        throw new SluiceError('INVALID_REQUEST', `no value for ${name}; known: ${Object.keys(known).join(', ')}`);
      }
      if (options.json) printJson({ [name]: value });
      else print(value);
    });
}
