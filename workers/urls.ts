/** Addresses of pages that people open. */
import type { Config } from '../infra/config.js';

/** Address of a workflow's page, if the UI's address is known. */
export function workflowUrl(
  config: Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>,
  workflowId: string,
  runId?: string,
): string | undefined {
  if (!config.TEMPORAL_UI_URL) return undefined;
  const path = `${encodeURIComponent(workflowId)}${runId ? `/${runId}/history` : ''}`;
  return `${config.TEMPORAL_UI_URL}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows/${path}`;
}
