/** What an engine job shows of itself: its submissions so far, where it is now, and the code of its end. */
import type { JobSnapshot } from '../contracts/activities.js';
import type { EngineJobView } from '../contracts/messages.js';

/** So many earlier submissions are shown. */
const SHOWN = 5;

export function failureCode(job: Pick<JobSnapshot, 'state' | 'blame'>): string {
  if (job.state === 'lost') return 'JOB_LOST';
  if (job.blame === 'resources') return 'JOB_NO_RESOURCES';
  return job.blame === 'user' || job.state === 'cancelled' ? 'JOB_FAILED_USER' : 'JOB_FAILED_PLATFORM';
}

/** Remembers how a submission ended before the next one takes its place. */
export function rememberEnd(view: EngineJobView, reason: string, blame: string | undefined): void {
  const ended = { submission: view.submission, reason, ...(blame === undefined ? {} : { blame }) };
  view.earlier = [...(view.earlier ?? []), ended].slice(-SHOWN);
}

export function describeJob(view: EngineJobView, workflowId: string): string {
  const memory = view.memoryFactor > 1 ? `, ${view.memoryFactor} times the declared memory` : '';
  const lines = [
    `**${view.stage}** on **${view.engine}**, submission ${view.submission} of ${view.attempts}${memory}: **${view.state}**`,
    view.engineJobId ? `engine id \`${view.engineJobId}\`` : undefined,
    view.link ? `[open in the engine](${view.link})` : undefined,
    view.reason,
    ...(view.earlier ?? []).map(
      ({ submission, reason, blame }) => `submission ${submission} ended${blame ? ` (${blame})` : ''}: ${reason}`,
    ),
    logLine(workflowId, view),
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
}

/** The job's log outlives the engine's memory of it; this says how to read it. */
function logLine(workflowId: string, view: EngineJobView): string | undefined {
  const suffix = `/${view.stage}`;
  if (view.engineJobId === undefined || !workflowId.endsWith(suffix)) return undefined;
  return `log: \`sluice logs ${workflowId.slice(0, -suffix.length)} ${view.stage}\``;
}
