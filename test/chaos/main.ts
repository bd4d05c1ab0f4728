/** Fault script: kills, drops, delays and restarts while runs and streams go on, and counts what was lost or doubled. */
import { runEngines } from './engines.js';
import { parseOptions, type ChaosOptions } from './options.js';

let options: ChaosOptions;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
const report = await runEngines(options);
if (options.json) console.log(JSON.stringify(report));
else console.log(JSON.stringify(report, null, 2));
process.exit(report.ok ? 0 : 1);
