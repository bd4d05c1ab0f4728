/** What machine this is, and which Java it has. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { run } from './run.js';
import type { Platform } from './types.js';

export const PLATFORM_WANTED = 'Linux x64 or arm64 with glibc 2.28 or newer, or macOS 13 or newer on arm64';

/** The platform, or a line that says why servers cannot run here. */
export function findPlatform(): { platform?: Platform; found: string } {
  const found = `${process.platform} ${process.arch}`;
  if (process.platform === 'darwin' && process.arch === 'arm64') return { platform: 'darwin-arm64', found };
  if (process.platform !== 'linux') return { found };
  const glibc = glibcVersion();
  if (glibc === undefined) return { found: `${found} without glibc` };
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const named = `${found}, glibc ${glibc}`;
  if (major < 2 || (major === 2 && minor < 28)) return { found: named };
  if (process.arch === 'x64') return { platform: 'linux-x64', found: named };
  if (process.arch === 'arm64') return { platform: 'linux-arm64', found: named };
  return { found: named };
}

export function requirePlatform(): Platform {
  const { platform, found } = findPlatform();
  if (platform !== undefined) return platform;
  throw new SluiceError('LOCAL_STACK', `The local servers need ${PLATFORM_WANTED}; this is ${found}.`);
}

function glibcVersion(): string | undefined {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime;
}

export interface Jdk {
  home: string;
  /** Major version, such as 17. */
  version: number;
  hasCompiler: boolean;
}

/** The JDK of JAVA_HOME, else the one whose `java` is on PATH. */
export async function findJdk(env: NodeJS.ProcessEnv): Promise<Jdk | undefined> {
  const command = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java';
  const said = await run(command, ['-XshowSettings:properties', '-version'], { env: { ...process.env, ...env } }).catch(
    () => undefined,
  );
  const home = said && /^\s*java\.home = (.+)$/m.exec(said)?.[1]?.trim();
  const version = said && /^\s*java\.specification\.version = (\d+)/m.exec(said)?.[1];
  if (!home || !version) return undefined;
  return { home, version: Number(version), hasCompiler: existsSync(join(home, 'bin', 'javac')) };
}

export async function requireJavaHome(env: NodeJS.ProcessEnv): Promise<string> {
  const jdk = await findJdk(env);
  if (jdk !== undefined) return jdk.home;
  throw new SluiceError('LOCAL_STACK', 'No Java found; on Debian: apt-get install openjdk-17-jdk-headless');
}
