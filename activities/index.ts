/** All activities of the product, merged from their groups; every failure leaves through `toFailure`. */
import type { Activities } from '../workflows/contracts/activities.js';
import { createCuratedActivities } from './curated.js';
import type { ActivityDeps } from './deps.js';
import { withFailures } from './failures.js';
import { createJobActivities } from './jobs.js';
import { withPublishLineage } from './publish-lineage.js';
import { createRunActivities } from './runs.js';
import { createReconcileActivities } from './reconcile.js';
import { createStreamActivities } from './streams.js';
import { createSyncActivities } from './sync.js';
import { createWatchActivities } from './watch.js';

export function createActivities(deps: ActivityDeps): Activities {
  const curated = createCuratedActivities(deps);
  return withFailures({
    ...createRunActivities(deps),
    ...createJobActivities(deps),
    ...createWatchActivities(deps),
    ...createStreamActivities(deps),
    ...curated,
    publishTable: withPublishLineage(deps, (input) => curated.publishTable(input)),
    ...createSyncActivities(deps),
    ...createReconcileActivities(deps),
  } satisfies Activities);
}
