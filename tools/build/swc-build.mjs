// Usage: node tools/build/swc-build.mjs <project folder>
// Compiles every source of the project into <project>/dist, keeping the folder structure. Types are checked elsewhere.
import { transformFile } from '@swc/core';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const projectRoot = process.argv[2];
if (!projectRoot) throw new Error('usage: node tools/build/swc-build.mjs <project folder>');

const skippedFolders = new Set([
  'dist',
  'node_modules',
  'test-data',
  'coverage',
  'test-processes',
  'test-support',
  '__probe__',
]);
const isSource = (file) => !/\.(spec|d)\.ts$/.test(file);

const outDir = join(projectRoot, 'dist');
rmSync(outDir, { recursive: true, force: true });

const sources = globSync('**/*.ts', { cwd: projectRoot, exclude: (path) => skippedFolders.has(basename(path)) });
await Promise.all(sources.filter(isSource).map(compile));

async function compile(source) {
  const target = join(outDir, source.replace(/\.ts$/, '.js'));
  const { code, map } = await transformFile(join(projectRoot, source), {
    configFile: '.swcrc',
    sourceFileName: relative(dirname(target), join(projectRoot, source)),
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  writeFileSync(`${target}.map`, map);
}
