/** Current details of a run as Markdown: what it is doing, on which engine, under which id, with a link. */
import type { RunProgress } from '../contracts/messages.js';
import type { RunPlan } from '../contracts/plans.js';

export function runDetails(
  plan: RunPlan | undefined,
  progress: RunProgress,
  links: ReadonlyMap<string, { engine: string; engineJobId: string; link?: string }>,
): string {
  if (!plan) return 'Resolving the request.';
  const lines = [
    `**${plan.run.pipeline}** for **${plan.run.partition}**: **${progress.paused ? 'paused' : progress.state}**`,
    progress.note,
  ];
  for (const stage of plan.stages) {
    const at = links.get(stage.name);
    const id = at ? `, engine id \`${at.engineJobId}\`${at.link ? ` ([open](${at.link}))` : ''}` : '';
    lines.push(`- stage **${stage.name}** on ${stage.engine}: ${progress.stages[stage.name] ?? 'waiting'}${id}`);
  }
  for (const table of plan.tables)
    lines.push(`- table **${table.table}**: ${progress.tables[table.table] ?? 'waiting'}`);
  lines.push('To run it again use `sluice run`; a reset would find the same engine jobs again.');
  return lines.filter((line) => line !== undefined).join('\n\n');
}
