/** The stack that tests run on: this checkout's code with a home folder of its own, fresh at the start, gone at the end. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { sluice, type CliResult } from './cli.js';

/** Far from the default, so that a developer's own stack can stay up. */
const PORT_BASE = '21200';

export interface TestStack {
  home: string;
  env: Record<string, string>;
}

export const testHome = (root: string): string => join(root, '.sluice', 'test');

/** Unpacked servers are shared with the checkout's own stack; data, logs and ports are not. */
async function prepareHome(root: string): Promise<string> {
  const home = testHome(root);
  const shared = join(root, '.sluice', 'runtime');
  await mkdir(shared, { recursive: true });
  await mkdir(join(home, '.sluice'), { recursive: true });
  await symlink(shared, join(home, '.sluice', 'runtime')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return home;
}

/** Runs a command on the test stack; progress is shown. */
export async function onTestStack(root: string, args: readonly string[]): Promise<CliResult> {
  const home = await prepareHome(root);
  return sluice(args, { home, env: { SLUICE_PORT_BASE: PORT_BASE }, echo: true });
}

/** Settings of the running test stack. */
export async function testStackEnv(root: string): Promise<TestStack> {
  const home = await prepareHome(root);
  const { code, stdout, stderr } = await sluice(['env', '--json'], { home });
  if (code !== 0) throw new Error(`no test stack: ${stderr}`);
  return { home, env: JSON.parse(stdout) as Record<string, string> };
}
