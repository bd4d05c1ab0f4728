/** Which folder may import which: the one direction in which the product's arrows run, each rule with a name. */

export interface ImportRule {
  name: string;
  /** Path prefixes (project-relative) that the rule is about. */
  from: string;
  /** Allowed prefixes of project files; own folder is always allowed. */
  mayImport: readonly string[];
  /** Packages that must not be imported; `*` = none may except those in `packages`. */
  forbiddenPackages?: readonly string[];
  packages?: readonly string[];
}

/** First match by longest `from` wins. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    name: 'contracts-import-nothing',
    from: 'workflows/contracts/',
    mayImport: [],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  {
    name: 'workflows-import-contracts-only',
    from: 'workflows/',
    mayImport: ['workflows/'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  {
    name: 'activities-never-import-workers-or-workflows',
    from: 'activities/',
    mayImport: ['engines/', 'infra/', 'pipelines/', 'workflows/contracts/'],
    forbiddenPackages: ['@temporalio/workflow', '@temporalio/worker'],
  },
  {
    name: 'engines-know-nothing-of-temporal',
    from: 'engines/',
    mayImport: ['infra/'],
    forbiddenPackages: [
      '@temporalio/workflow',
      '@temporalio/worker',
      '@temporalio/client',
      '@temporalio/activity',
      '@temporalio/common',
    ],
  },
  { name: 'pipelines-import-errors-only', from: 'pipelines/', mayImport: ['infra/errors.ts'] },
  { name: 'openlineage-client-stands-alone', from: 'infra/openlineage-client/', mayImport: [] },
  { name: 'local-stack-stands-alone', from: 'infra/local/', mayImport: ['infra/errors.ts'] },
  {
    name: 'infra-imports-infra-only',
    from: 'infra/',
    mayImport: ['infra/'],
    forbiddenPackages: ['@temporalio/workflow', '@temporalio/worker', '@temporalio/client', '@temporalio/activity'],
  },
  {
    name: 'workers-never-import-workflow-code',
    from: 'workers/',
    mayImport: ['activities/', 'engines/', 'infra/', 'pipelines/', 'workflows/contracts/'],
  },
];

export interface ImportOf {
  /** Project-relative path of the importing file. */
  file: string;
  /** Project-relative path, or package name. */
  target: string;
  isPackage: boolean;
}

/** The broken rule, or undefined. Only workers may be entry points: nothing else imports them. */
export function brokenRule(found: ImportOf): string | undefined {
  const rule = [...IMPORT_RULES]
    .sort((a, b) => b.from.length - a.from.length)
    .find(({ from }) => found.file.startsWith(from));
  if (!rule) return undefined;
  if (found.isPackage) {
    if (found.target.startsWith('node:')) return rule.packages ? rule.name : undefined;
    if (rule.packages) return rule.packages.includes(found.target) ? undefined : rule.name;
    return rule.forbiddenPackages?.includes(found.target) ? rule.name : undefined;
  }
  const allowed = [rule.from, ...rule.mayImport];
  return allowed.some((prefix) => found.target.startsWith(prefix)) ? undefined : rule.name;
}
