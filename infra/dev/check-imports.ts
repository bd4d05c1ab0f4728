/** Fails when a file imports against the direction in import-rules.ts; prints file, import and the rule's name. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { brokenRule } from './import-rules.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const FOLDERS = ['workflows', 'activities', 'workers', 'engines', 'infra', 'pipelines'];

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

async function sourceFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of FOLDERS) {
    for (const file of await readdir(join(ROOT, folder), { recursive: true })) {
      const path = posix.join(folder, file.split(sep).join('/'));
      if (/\.ts$/.test(path) && !/(^|\/)(node_modules|dist|target|test)\//.test(path)) found.push(path);
    }
  }
  return found.sort();
}

export async function findBrokenImports(): Promise<string[]> {
  const lines: string[] = [];
  for (const file of await sourceFiles()) {
    const text = await readFile(join(ROOT, file), 'utf8');
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const isPackage = !fileName.startsWith('.');
      const target = isPackage
        ? fileName.startsWith('node:')
          ? fileName
          : packageName(fileName)
        : posix.join(posix.dirname(file), fileName).replace(/\.js$/, '.ts');
      const rule = brokenRule({ file, target, isPackage });
      if (rule) lines.push(`${file}: import of ${fileName} breaks rule ${rule}`);
    }
  }
  return lines;
}

if (process.argv[1] && relative(fileURLToPath(import.meta.url), process.argv[1]) === '') {
  const lines = await findBrokenImports();
  for (const line of lines) console.error(line);
  console.error(lines.length === 0 ? 'imports: every arrow runs the right way' : `imports: ${lines.length} broken`);
  process.exitCode = lines.length === 0 ? 0 : 1;
}
