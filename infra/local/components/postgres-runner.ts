/** How PostgreSQL is run, for it refuses to run as root: as root it gets another user in one of two ways. */
import { createHash } from 'node:crypto';
import { chown, cp, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { run } from '../run.js';

export interface PostgresRunner {
  /** Folder of initdb and postgres. */
  bin: string;
  /** Folder that holds the data folder. */
  data: string;
  /** The user and group to start as; absent = as we are. */
  uid?: number;
  gid?: number;
  wrap(command: string, args: readonly string[]): { command: string; args: string[] };
  /** Gives a file we made to the user PostgreSQL runs as. */
  own(file: string): Promise<void>;
}

const NAMESPACE = ['--user', '--map-user=1000', '--map-group=1000'];
const UNPRIVILEGED = ['postgres', 'nobody'];

export async function findRunner(place: { root: string; home: string; data: string }): Promise<PostgresRunner> {
  if (process.getuid?.() !== 0) return plain(place, (command, args) => ({ command, args: [...args] }));
  if (process.platform === 'linux' && (await canUnshare())) {
    return plain(place, (command, args) => ({ command: 'unshare', args: [...NAMESPACE, command, ...args] }));
  }
  return asOtherUser(place);
}

/** Whether root may enter a user namespace here; containers often forbid it. */
export async function canUnshare(): Promise<boolean> {
  return run('unshare', [...NAMESPACE, 'true']).then(
    () => true,
    () => false,
  );
}

/** A user that exists on most systems and may do nothing special. */
export async function findUnprivilegedUser(): Promise<{ name: string; uid: number; gid: number } | undefined> {
  for (const name of UNPRIVILEGED) {
    const uid = await run('id', ['-u', name]).catch(() => '');
    const gid = await run('id', ['-g', name]).catch(() => '');
    if (/^\d+\s*$/.test(uid) && /^\d+\s*$/.test(gid)) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Where the data of this clone lies when another user owns it: outside the clone, which that user may not enter. */
export function foreignFolder(root: string): string {
  return join('/var/tmp', `sluice-postgres-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);
}

function plain(place: { home: string; data: string }, wrap: PostgresRunner['wrap']): PostgresRunner {
  return { bin: join(place.home, 'bin'), data: place.data, wrap, own: () => Promise.resolve() };
}

async function asOtherUser(place: { root: string; home: string }): Promise<PostgresRunner> {
  const user = await findUnprivilegedUser();
  if (user === undefined) {
    throw new SluiceError(
      'LOCAL_STACK',
      'PostgreSQL refuses to run as root, and neither unshare nor an unprivileged user is available: ' +
        'run as an ordinary user, or give a running server as DATABASE_URL.',
    );
  }
  const folder = foreignFolder(place.root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, user.uid, user.gid);
  const native = join(folder, 'native');
  if (!(await stat(join(native, '.complete')).catch(() => undefined))) {
    await cp(place.home, native, { recursive: true, verbatimSymlinks: true });
    await run('chown', ['-R', `${user.uid}:${user.gid}`, native]);
  }
  return {
    bin: join(native, 'bin'),
    data: folder,
    uid: user.uid,
    gid: user.gid,
    wrap: (command, args) => ({ command, args: [...args] }),
    own: async (file) => chown(file, user.uid, user.gid),
  };
}
