/** `reconcile`: one pass over a cluster; ends engine jobs whose owner is gone, and closes the books of runs that died. */
import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { lastReportQuery } from './contracts/messages.js';
import type { ReconcileInput, ReconcileResult } from './contracts/reconcile.js';
import { SluiceEngine } from './contracts/search-attributes.js';
import { onReconcile, tidy } from './steps/activity-options.js';
import { passingReason } from './steps/engine-calls.js';
import { fail, readableCause } from './steps/failures.js';
import { requireEngine, requireTexts } from './steps/inputs.js';
import { wasCancelled } from './steps/cancellation.js';

export async function reconcile(input: ReconcileInput): Promise<ReconcileResult> {
  requireTexts(input, ['engine', 'cluster'], '{"engine":"spark","cluster":"spark"}');
  requireEngine(input);
  const { engine, cluster, dryRun = false, force = false } = input;
  let last: ReconcileResult | undefined;
  setHandler(lastReportQuery, () => last);
  upsertSearchAttributes([{ key: SluiceEngine, value: engine }]);
  setCurrentDetails(`Looks for jobs on **${cluster}** (${engine}) that bear our tag and whose owner is gone.`);
  const runs = await tidy.reconcileRuns.executeWithOptions({ summary: 'close the books of runs that died' }, [
    { dryRun },
  ]);
  try {
    const report = await onReconcile(engine, cluster).reconcileCluster.executeWithOptions(
      { summary: `reconcile ${cluster}${dryRun ? ' (dry run)' : ''}` },
      [{ engine, cluster, dryRun, force }],
    );
    last = { ...report, runs };
  } catch (error) {
    if (wasCancelled(error)) throw error;
    const { code, message } = readableCause(error);
    throw fail(
      code === 'TimeoutFailure' ? 'ENGINE_UNREACHABLE' : code,
      passingReason(error, engine, cluster) ?? message,
    );
  }
  setCurrentDetails(describe(last));
  return last;
}

function describe(report: ReconcileResult): string {
  const counts = Object.entries(report.counts).map(([action, count]) => `${count} ${action}`);
  const lines = [
    `**${report.cluster}**${report.dryRun ? ' (dry run)' : ''}: ${report.live} jobs of ours live there; ${counts.join(', ') || 'no orphan'}`,
    report.stopped === undefined ? undefined : `**stopped**: ${report.stopped}`,
    ...report.orphans.map(
      ({ key, engineJobId, pipeline, part, action, reason }) =>
        `${action}: ${pipeline}/${part} \`${engineJobId}\` (submission ${key.slice(0, 8)}): ${reason}`,
    ),
    report.unknown.length === 0 ? undefined : `with our tag, without a row of ours: ${report.unknown.join(', ')}`,
    ...report.runs.map(({ workflowId, closedAs }) => `closed the book of ${workflowId} (${closedAs})`),
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
}
