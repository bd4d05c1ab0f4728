/** Writes dist/package.json beside the compiled files, so that `npm publish ./dist` ships JavaScript and declarations only. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const source = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const { private: _private, scripts: _scripts, main: _main, types: _types, exports: _exports, ...kept } = source;

const published = {
  ...kept,
  main: './lib/index.js',
  types: './lib/index.d.ts',
  exports: { '.': { types: './lib/index.d.ts', default: './lib/index.js' }, './package.json': './package.json' },
  files: ['lib', 'README.md', 'LICENSE'],
};
writeFileSync(new URL('dist/package.json', root), `${JSON.stringify(published, null, 2)}\n`);
copyFileSync(new URL('README.md', root), new URL('dist/README.md', root));

const licence = new URL('../../LICENSE', root);
if (existsSync(licence)) copyFileSync(licence, new URL('dist/LICENSE', root));
