#!/usr/bin/env node
/** Starts the command line from its sources; installs the npm packages first in a fresh clone. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (!existsSync(here('../node_modules/tsx'))) {
  const installed = spawnSync(process.execPath, [here('../infra/dev/bootstrap.mjs')], { stdio: ['ignore', 2, 2] });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
// The SDK's notice about future Node versions would precede every command's own words.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// A proxy of the user's network must not come between us and servers on this machine.
for (const name of ['no_proxy', 'NO_PROXY']) {
  process.env[name] = [process.env[name], '127.0.0.1', 'localhost'].filter(Boolean).join(',');
}

const { register } = await import('tsx/esm/api');
register();
await import('./cli.ts');
