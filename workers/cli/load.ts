/** `sluice load`: puts a source into the topic sales.raw and the lake; doing it twice changes nothing. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { LoadSourceResult } from '../../activities/source-load.js';
import { loadDeclaredSource } from '../load-source.js';
import { printJson, say } from './output.js';
import { withSession } from './session.js';

export function addLoadCommand(program: Command): void {
  program
    .command('load')
    .description('load a source into Kafka and the lake (idempotent)')
    .option('--source <name>', 'declared source', 'foodmart')
    .option('--data <dir>', 'folder with the CSV files of a source that reads some')
    .option('--json', 'print one JSON object')
    .action(async (options: { source: string; data?: string; json?: boolean }) => {
      const loaded = await withSession(({ config, pool }) =>
        loadDeclaredSource(
          config,
          pool,
          { source: options.source, ...(options.data ? { dataDir: resolve(options.data) } : {}) },
          say,
        ),
      );
      if (options.json) printJson(loaded);
      else say(describeLoad(loaded));
    });
}

const describeLoad = (loaded: LoadSourceResult): string =>
  `${loaded.source}: ${loaded.outcome}, ${loaded.lines} lines, ${loaded.days} days with sales, last day ${loaded.asOf}`;
