// The dependency rule once more, written out: who may import whom. All other arrows have to be refused.
const boundaries = '@nx/enforce-module-boundaries';

const projects = {
  domain: 'libs/domain',
  ports: 'libs/ports',
  usecases: 'libs/usecases',
  testing: 'libs/testing',
  composition: 'libs/composition',
  'adapter-memory': 'libs/adapters/memory',
  'adapter-sqlite': 'libs/adapters/sqlite',
  'feed-asx': 'libs/adapters/feed-asx',
  server: 'apps/server',
  cli: 'apps/cli',
  example: 'tools/examples/sqlite-objects',
  tools: 'tools',
};
const everyone = Object.keys(projects);
const adapters = ['adapter-memory', 'adapter-sqlite', 'feed-asx'];

const mayImport = {
  domain: [],
  ports: ['domain'],
  usecases: ['domain', 'ports'],
  testing: ['domain', 'ports', 'usecases'],
  composition: ['domain', 'ports', 'usecases', ...adapters],
  ...Object.fromEntries(adapters.map((adapter) => [adapter, ['domain', 'ports']])),
  server: ['domain', 'ports', 'usecases', 'composition'],
  cli: ['domain', 'ports', 'usecases', 'composition'],
  example: ['domain', 'ports'],
  // Applications are imported by nobody.
  tools: everyone.filter((name) => name !== 'server' && name !== 'cli'),
};

const specMayAlsoImport = {
  domain: ['testing'],
  ports: [],
  usecases: ['testing', 'adapter-memory'],
  testing: [],
  composition: ['testing'],
  ...Object.fromEntries(adapters.map((adapter) => [adapter, ['testing']])),
  server: ['testing'],
  cli: ['testing'],
  example: ['testing'],
  tools: [],
};

const arrows = [false, true].flatMap((spec) =>
  everyone.flatMap((from) => everyone.filter((to) => to !== from).map((to) => arrow(from, to, spec))),
);

const byPath = Object.keys(projects)
  .filter((from) => from !== 'tools' && from !== 'ports')
  .map((from) => ({
    name: `${from} → ports by a relative path`,
    project: projects[from],
    code: `import '${projects[from].replace(/[^/]+/g, '..')}/../libs/ports/index.ts';`,
    rule: boundaries,
  }));

export const arrowProbes = [...arrows, ...byPath];

function arrow(from, to, spec) {
  const allowed = mayImport[from].includes(to) || (spec && specMayAlsoImport[from].includes(to));
  return {
    name: `${from}${spec ? ' (spec)' : ''} → ${to}`,
    project: projects[from],
    spec,
    code: `import '${to === 'example' ? '@acme/k2-sqlite-objects' : `@k2/${to}`}';`,
    rule: allowed ? undefined : boundaries,
  };
}
