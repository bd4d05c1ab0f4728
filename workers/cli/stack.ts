/** `sluice up | down | doctor`: the local stack of this clone. */
import type { Command } from 'commander';
import { describe, doctor } from '../../infra/local/index.js';
import { bringDown, bringUp, type Step } from '../bring-up.js';
import { stackHome } from '../deps.js';
import { print, printJson, say } from './output.js';

const plainStep: Step = async (name, work) => {
  const startedMs = Date.now();
  const result = await work();
  say(`[${name}] done in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  return result;
};

export function addStackCommands(program: Command): void {
  program
    .command('up')
    .description('start the local servers and the workers; what already runs is reused')
    .action(async () => {
      const { config } = await bringUp(plainStep, say);
      say(`up. Temporal UI: ${config.TEMPORAL_UI_URL ?? 'not known'}`);
    });
  program
    .command('down')
    .description('stop everything that this clone started, and wait until it is gone; data stays')
    .option('--wipe', 'also delete the data (databases, topics, lake)')
    .action(async (options: { wipe?: boolean }) => {
      await bringDown(say, options.wipe === true);
      say(options.wipe ? 'down, data deleted' : 'down, data kept');
    });
  program
    .command('doctor')
    .description('check this machine for everything the local stack needs')
    .option('--json', 'print one JSON object')
    .action(async (options: { json?: boolean }) => {
      const findings = await doctor({ root: stackHome(process.env), env: process.env });
      if (options.json) printJson({ ok: findings.every((finding) => finding.ok), findings });
      else {
        for (const finding of findings) print(describe(finding));
      }
      if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
    });
}
