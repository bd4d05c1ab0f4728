#!/usr/bin/env node
/** Starts the command line from source (tsx) or, when built, from dist. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The SDK's notice about future Node versions would precede every command's own words.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const source = fileURLToPath(new URL('./cli.ts', import.meta.url));
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import('./cli.ts');
} else {
  await import('./cli.js');
}
