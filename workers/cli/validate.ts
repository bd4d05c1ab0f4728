/** `sluice validate [folder]`: loads every pipeline and source and prints what is wrong, with file, line and key. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadPipelines } from '../../pipelines/load.js';
import { projectRoot } from '../deps.js';
import { print, printJson } from './output.js';

export function addValidateCommand(program: Command): void {
  program
    .command('validate')
    .description('check all pipeline files; errors name file, line and key')
    .argument('[folder]', 'folder that holds <pipeline>/pipeline.yaml; default pipelines/')
    .option('--json', 'print one JSON object')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const pipelines = await loadPipelines(resolve(folder ?? `${projectRoot()}/pipelines`));
      const found = pipelines.map((pipeline) => ({
        name: pipeline.name,
        specHash: pipeline.specHash,
        stages: Object.keys(pipeline.stages),
        streams: Object.keys(pipeline.streams),
        curated: Object.keys(pipeline.curated),
      }));
      if (options.json) printJson({ ok: true, pipelines: found });
      else {
        for (const one of found) {
          print(
            `ok ${one.name} (${one.specHash.slice(0, 12)}): stages ${one.stages.join(', ') || '-'}; streams ${one.streams.join(', ') || '-'}; tables ${one.curated.join(', ') || '-'}`,
          );
        }
      }
    });
}
