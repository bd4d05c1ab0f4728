/** What the end-to-end tests need of the runner: the stack's home, its settings, and the demo's report. */

const NAMES = ['SLUICE_HOME', 'DATABASE_URL', 'SLUICE_TEST_DEMO', 'TEMPORAL_ADDRESS'] as const;
const missing = NAMES.filter((name) => !process.env[name]);

/** Reason to skip, or false. */
export const SKIP = missing.length > 0 ? `run through test/run.ts: ${missing.join(', ')} not set` : false;

export function e2eEnv(): { home: string; databaseUrl: string; reportFile: string; temporalAddress: string } {
  const env = process.env;
  return {
    home: env['SLUICE_HOME'] ?? '',
    databaseUrl: env['DATABASE_URL'] ?? 'postgres://127.0.0.1:1/none',
    reportFile: env['SLUICE_TEST_DEMO'] ?? '',
    temporalAddress: env['TEMPORAL_ADDRESS'] ?? '',
  };
}
