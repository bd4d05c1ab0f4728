/** `sluice stream start | stop | restart`: supervisors of a pipeline's streams, and the syncs of their result tables. */
import type { Command } from 'commander';
import { loadPipeline } from '../../pipelines/load.js';
import { pipelinesDir } from '../deps.js';
import { startStreams } from '../streams.js';
import { say } from './output.js';
import { withSession } from './session.js';

export function addStreamCommands(program: Command): void {
  const stream = program.command('stream').description('start, stop or restart the streams of a pipeline');
  stream
    .command('start')
    .description('start all streams and syncs of the pipeline that do not run yet')
    .argument('<pipeline>')
    .option('--fresh', 'begin without the state that the streams left earlier')
    .action((pipeline: string, { fresh = false }: { fresh?: boolean }) =>
      withSession(async ({ config, control }) => {
        const started = await startStreams(control, await loadPipeline(pipelinesDir(config), pipeline), fresh);
        say(started.length > 0 ? `started ${started.join(', ')}` : 'all of it was running');
      }),
    );
  stream
    .command('stop')
    .description('stop one stream; its engine job ends, its supervisor closes')
    .argument('<pipeline>')
    .argument('<stream>')
    .action((pipeline: string, name: string) =>
      withSession(async ({ control }) => {
        await control.stopStream(pipeline, name);
        say(`stopped ${pipeline}/${name}`);
      }),
    );
  stream
    .command('restart')
    .description('restart one stream from its newest checkpoint or its group offsets')
    .argument('<pipeline>')
    .argument('<stream>')
    .action((pipeline: string, name: string) =>
      withSession(async ({ control }) => {
        await control.restartStream(pipeline, name);
        say(`restarting ${pipeline}/${name}`);
      }),
    );
}
