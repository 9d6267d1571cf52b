import { join, posix } from 'node:path';
import { formatFiles, generateFiles, getProjects, logger, offsetFromRoot, readJson, updateJson } from '@nx/devkit';
import { nextSteps } from './next-steps.mjs';
import { PORTS } from './ports.mjs';

/** `npx nx g @k2/tools:adapter <name> --port=<port>`: a project whose class has every method of the port, none written. */
export default async function adapterGenerator(tree, { name, port, directory }) {
  const adapter = describe(name, port, directory);
  refuseWhatExists(tree, adapter);
  for (const folder of ['common', port])
    generateFiles(tree, join(import.meta.dirname, 'files', folder), adapter.directory, adapter);
  ensureWorkspace(tree, adapter.directory);
  await formatFiles(tree);
  return () => logger.info(nextSteps(adapter));
}

/** Names of everything that is made, which are the templates' substitutions too. */
function describe(name, port, directory) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(
      `"${name}" is no name for an adapter: expected kebab-case (small letters and digits, words separated by single ` +
        'hyphens, a letter first), as in clickhouse or azure-blob',
    );
  }
  const portType = PORTS[port];
  if (portType === undefined) throw new Error(`"${port}" is no port: expected one of ${Object.keys(PORTS).join(', ')}`);
  const place = posix.normalize((directory ?? `libs/adapters/${name}`).replaceAll('\\', '/')).replace(/\/$/, '');
  if (place === '.' || place.startsWith('..') || posix.isAbsolute(place))
    throw new Error(`--directory is "${directory}": expected a folder inside the workspace, from its root`);
  const pascal = name.replaceAll(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
  return {
    name,
    port,
    directory: place,
    portType,
    project: `adapter-${name}`,
    packageName: `@k2/adapter-${name}`,
    className: `${pascal}${portType}`,
    fileName: `${name}-${portType.replaceAll(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}`,
    setting: `K2_${port.toUpperCase()}`,
    offset: offsetFromRoot(place),
  };
}

function refuseWhatExists(tree, { directory, project }) {
  const next = 'choose another name, or delete it first: nothing is overwritten';
  if (tree.exists(directory)) throw new Error(`${directory} exists already: ${next}`);
  const other = getProjects(tree).get(project);
  if (other !== undefined) throw new Error(`there is a project ${project} already, in ${other.root}: ${next}`);
}

/** npm links only what the root's `workspaces` name. */
function ensureWorkspace(tree, directory) {
  const { workspaces = [] } = readJson(tree, 'package.json');
  const covering = [directory, `${posix.dirname(directory)}/*`];
  if (workspaces.some((pattern) => covering.includes(pattern))) return;
  updateJson(tree, 'package.json', (root) => ({ ...root, workspaces: [...workspaces, directory] }));
}
