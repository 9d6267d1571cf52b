import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { AdapterPackage } from '@k2/ports';
import { readJson, type Tree } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { check, type Options } from 'prettier';
import { typeErrors } from './generated-types.ts';
import generate from './generator.mjs';

/** Every port that a package can offer, and the class that an adapter called `deep-blue` gets. */
const CLASSES: Record<keyof AdapterPackage, string> = {
  log: 'DeepBlueTickLog',
  store: 'DeepBlueTickStore',
  catalog: 'DeepBlueTableCatalog',
  objects: 'DeepBlueObjectStore',
  engine: 'DeepBlueQueryEngine',
  dedup: 'DeepBlueDedupStore',
};
const PORTS = Object.keys(CLASSES) as (keyof AdapterPackage)[];
const prettierrc = readFileSync(join(import.meta.dirname, '../../../.prettierrc.json'), 'utf8');

describe('nx g @k2/tools:adapter', () => {
  jest.setTimeout(60_000);
  let tree: Tree;
  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
    tree.write('.prettierrc', prettierrc);
  });

  const filesOf = (directory: string): Map<string, string> => {
    const inside = (path: string): string[] =>
      tree.isFile(path) ? [path] : tree.children(path).flatMap((child) => inside(join(path, child)));
    return new Map(inside(directory).map((path) => [path, tree.read(path, 'utf8')!]));
  };

  it('offers every port that a package can offer', () => {
    const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'schema.json'), 'utf8')) as {
      properties: { port: { enum: string[]; 'x-prompt': { items: { value: string }[] } } };
    };
    const { port } = schema.properties;
    expect(port.enum).toEqual(PORTS);
    expect(port['x-prompt'].items.map(({ value }) => value)).toEqual(PORTS);
  });

  it.each(PORTS)('makes a project of the house’s shape for %s', async (port) => {
    await generate(tree, { name: 'deep-blue', port });
    const root = 'libs/adapters/deep-blue';
    const className = CLASSES[port];
    const fileName = className.replaceAll(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
    const files = filesOf(root);
    expect([...files.keys()].map((path) => path.slice(root.length + 1)).sort()).toEqual(
      [
        ...['README.md', 'index.ts', 'jest.config.mjs', 'package.json', 'project.json', 'tsconfig.json'],
        ...[`${fileName}.ts`, 'deep-blue.contract.spec.ts', 'test-support/test-context.ts'],
      ].sort(),
    );
    const manifest = readJson<{ name: string; dependencies: object }>(tree, `${root}/package.json`);
    expect(manifest.name).toBe('@k2/adapter-deep-blue');
    expect(readJson(tree, `${root}/project.json`)).toEqual({
      name: 'adapter-deep-blue',
      tags: ['type:adapter'],
      targets: { build: {}, lint: {}, test: {}, typecheck: {} },
    });
    expect(files.get(`${root}/index.ts`)).toContain(`${port}: `);
    expect(files.get(`${root}/${fileName}.ts`)).toContain('is not written yet');
    expect(files.get(`${root}/README.md`)).toMatch(/its contract test fails/);
    expect([...files.values()].join()).not.toMatch(/<%|__\w+__/);
  });

  it('makes what agrees with the ports as they are now', async () => {
    const sources = new Map<string, string>();
    for (const port of PORTS) {
      await generate(tree, { name: `deep-${port}`, port });
      for (const [path, text] of filesOf(`libs/adapters/deep-${port}`)) sources.set(path, text);
    }
    expect(typeErrors(sources)).toEqual([]);
    const withoutClose = new Map(
      [...sources].map(([path, text]) => [path, text.replace('async close(', 'async end(')]),
    );
    expect(typeErrors(withoutClose).join()).toMatch(/Property 'close' is missing in type 'DeepLogTickLog'/);
  });

  it.each(PORTS)('makes what prettier leaves alone, however long or short the name: %s', async (port) => {
    for (const name of ['b', 'a-name-that-is-longer-than-any-that-somebody-would-want-to-type']) {
      await generate(tree, { name, port });
      for (const [path, text] of filesOf(`libs/adapters/${name}`)) {
        if (path.endsWith('.md')) continue;
        const isClean = await check(text, { ...(JSON.parse(prettierrc) as Options), filepath: path });
        expect([path, isClean]).toEqual([path, true]);
      }
    }
  });

  it('goes where it is told to, and has npm link it there', async () => {
    await generate(tree, { name: 'deep-blue', port: 'log', directory: 'vendor/acme/blue/' });
    const root = 'vendor/acme/blue';
    expect(tree.read(`${root}/tsconfig.json`, 'utf8')).toContain('"../../../tsconfig.base.json"');
    expect(tree.read(`${root}/jest.config.mjs`, 'utf8')).toContain("'../../../jest.preset.mjs'");
    expect(readJson<{ workspaces: string[] }>(tree, 'package.json').workspaces).toEqual([root]);
  });

  it('leaves the workspaces alone where they have it already', async () => {
    const workspaces = ['libs/*', 'libs/adapters/*'];
    tree.write('package.json', JSON.stringify({ name: 'k2', workspaces }));
    await generate(tree, { name: 'deep-blue', port: 'log' });
    expect(readJson<{ workspaces: string[] }>(tree, 'package.json').workspaces).toEqual(workspaces);
  });

  it.each(['DeepBlue', 'deep_blue', 'deep--blue', '-blue', 'blue-', '2blue', 'deep blue', '../blue', ''])(
    'refuses the name %j, and says what it expects',
    async (name) => {
      await expect(generate(tree, { name, port: 'log' })).rejects.toThrow(/kebab-case/);
      expect(tree.listChanges().filter(({ path }) => path.startsWith('libs'))).toEqual([]);
    },
  );

  it('refuses a port that there is not, and names those that there are', async () => {
    await expect(generate(tree, { name: 'blue', port: 'lake' })).rejects.toThrow(PORTS.join(', '));
  });

  it.each(['../outside', '/outside', '.', 'libs/../..'])('refuses the directory %s', async (directory) => {
    await expect(generate(tree, { name: 'blue', port: 'log', directory })).rejects.toThrow(/--directory/);
  });

  it('overwrites nothing: no folder, and no project of the same name elsewhere', async () => {
    tree.write('libs/adapters/blue/notes.txt', 'mine');
    await expect(generate(tree, { name: 'blue', port: 'log' })).rejects.toThrow(/libs\/adapters\/blue exists already/);
    await generate(tree, { name: 'red', port: 'log', directory: 'libs/red' });
    await expect(generate(tree, { name: 'red', port: 'log' })).rejects.toThrow(/adapter-red already, in libs\/red/);
  });
});
