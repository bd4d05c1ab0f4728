/** `curatedSync`: result topic into Postgres with offsets in the same transaction; continues as new after each pass. */
import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from './contracts/activities.js';
import type { CuratedSyncInput } from './contracts/inputs.js';
import { syncLagQuery } from './contracts/messages.js';
import { SluicePipeline } from './contracts/search-attributes.js';
import { quick } from './steps/activity-options.js';
import { requireTexts } from './steps/inputs.js';
import { afterUnknown } from './steps/long-loops.js';

const PASSES_PER_RUN = 100;

/** The consumer heartbeats every few seconds; a dead worker is replaced within the heartbeat timeout. */
const consumer = proxyActivities<Activities>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

export async function curatedSync(input: CuratedSyncInput): Promise<void> {
  requireTexts(input, ['pipeline', 'table'], '{"pipeline":"top-sales-per-city","table":"city_sales_live"}');
  const info = workflowInfo();
  let report: { lag?: number; rows: number; asOf?: string } = { rows: 0 };
  setHandler(syncLagQuery, () => report);
  upsertSearchAttributes([{ key: SluicePipeline, value: input.pipeline }]);
  const topic = await quick.resolveSync.executeWithOptions({ summary: `resolve ${input.table}` }, [
    {
      pipeline: input.pipeline,
      table: input.table,
      owner: { workflowId: info.workflowId, firstRunId: info.firstExecutionRunId },
    },
  ]);
  const details = `Topic **${topic.topic}** into **curated.${input.table}**; offsets stand in control.sync_offset.`;
  for (let pass = 0; pass < PASSES_PER_RUN; pass += 1) {
    setCurrentDetails(details);
    try {
      const done = await consumer.syncTopic.executeWithOptions({ summary: `${topic.topic} -> ${input.table}` }, [
        topic,
      ]);
      report = { lag: done.lag, rows: report.rows + done.rows, asOf: new Date().toISOString() };
    } catch (error) {
      await afterUnknown(error);
    }
  }
  await continueAsNew<typeof curatedSync>(input);
}
