#!/usr/bin/env node
// Plays the `java` command of a stream job: reads the same arguments, serves the same status page, obeys the same signals.
import { rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const args = process.argv.slice(2);
const key = args.find((arg) => arg.startsWith('-Dsluice.key='))?.slice('-Dsluice.key='.length);
const spec = JSON.parse(args[args.indexOf('--spec') + 1]);
const mainClass = args[args.indexOf('--spec') - 1];

if (mainClass.endsWith('Refused')) {
  console.error("refused: outputs must name a topic for 'city_sales_live'");
  process.exit(64);
}
if (mainClass.endsWith('Broken')) {
  console.error(
    'java.lang.IllegalStateException: no such column: amuont\n\tat dev.sluice.streams.Broken.main(Broken.java:1)',
  );
  process.exit(1);
}
if (mainClass.endsWith('Hungry')) {
  console.error('Terminating due to java.lang.OutOfMemoryError: Java heap space');
  process.exit(3);
}
if (mainClass.endsWith('Killed')) {
  console.error('java.lang.IllegalStateException: an old trouble\n\tat dev.sluice.streams.Killed.main(Killed.java:1)');
  process.kill(process.pid, 'SIGKILL');
}
const state = mainClass.endsWith('Stuck') ? 'ERROR' : 'RUNNING';
const error =
  state === 'ERROR'
    ? { class: 'dev.sluice.BadRecord', message: 'not JSON', topic: 'sales.raw', partition: 2, offset: 17 }
    : null;
const startedAt = Date.now();
const server = createServer((request, response) => {
  const page = { key, pid: process.pid, state, lag: 5, uptimeMs: Date.now() - startedAt, records: 7, error };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(page));
});
server.listen(0, '127.0.0.1', async () => {
  const draft = `${spec.statusFile}.tmp`;
  await writeFile(draft, JSON.stringify({ pid: process.pid, port: server.address().port, key }));
  await rename(draft, spec.statusFile);
});
process.on('SIGTERM', () => {
  if (mainClass.endsWith('Stubborn')) return;
  process.exit(0);
});
