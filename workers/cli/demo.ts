/** `sluice demo`: everything from an empty clone to the answers, as tables or as one JSON object. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { runDemo, type DemoReport } from '../demo/demo.js';
import { print, printJson, printTable, say } from './output.js';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('start the local stack, load real data, run both pipelines on all three engines, print the answers')
    .option('--source <name>', 'foodmart, or adventureworks with --data', 'foodmart')
    .option('--data <dir>', 'folder with the CSV files of the source adventureworks')
    .option('--json', 'print one JSON object on stdout; progress goes to stderr')
    .action(async (options: { source: string; data?: string; json?: boolean }) => {
      const report = await runDemo(
        { source: options.source, ...(options.data ? { dataDir: resolve(options.data) } : {}) },
        say,
      );
      if (options.json) printJson(report);
      else printReport(report);
      if (!report.ok) process.exitCode = 1;
    });
}

function printReport(report: DemoReport): void {
  const { source } = report;
  print(
    `\n${source.name}: ${source.lines} sale lines on ${source.days} days, ${source.from} to ${source.to} (exclusive), ${source.sales} in all`,
  );
  print('\nTop ten cities, all days');
  printTable(
    ['#', 'city', 'state', 'country', 'sales', 'orders'],
    report.topCities.map((row, index) => [index + 1, row.city, row.state, row.country, row.sales, row.orders]),
  );
  print('\nTop salesman of each country, all time');
  printTable(
    ['country', 'salesman', 'key', 'sales'],
    report.topSalesmen.map((row) => [row.country, row.salesman, row.employee_key, row.sales]),
  );
  print('\nThree engines, one answer?');
  printTable(
    ['pipeline', 'check', 'days', 'verdict', 'agree', 'differ', 'only left', 'only right'],
    Object.entries(report.pipelines).flatMap(([name, { comparisons }]) =>
      comparisons.map((one) => [
        name,
        one.name,
        `${one.from} to ${one.to}`,
        one.verdict === 'pass' ? 'agree' : one.verdict,
        one.agree,
        one.differ,
        one.onlyLeft,
        one.onlyRight,
      ]),
    ),
  );
  print('\nCurated tables');
  printTable(
    ['table', 'rows', 'checksum'],
    Object.entries(report.tables).map(([name, { rows, checksum }]) => [name, rows, checksum]),
  );
  print('\nDurations');
  printTable(
    ['step', 'seconds'],
    [...report.steps.map(({ name, seconds }) => [name, seconds]), ['all', report.seconds]],
  );
  print('\nPages');
  for (const [name, url] of Object.entries(report.urls)) print(`  ${name.padEnd(10)} ${url}`);
  for (const { workflowId, url } of Object.values(report.pipelines)) if (url) print(`  ${workflowId} ${url}`);
  print(report.ok ? '\nAll as it should be.' : `\nNot as it should be:\n  ${report.problems.join('\n  ')}`);
}
