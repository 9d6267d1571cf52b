// The dependency rule, as options of @nx/enforce-module-boundaries. `tools/probes` plants a violation of every arrow
// that is not here, from a list of its own.
const sources = {
  domain: [],
  ports: ['type:domain'],
  usecases: ['type:domain', 'type:ports'],
  adapter: ['type:domain', 'type:ports'],
  // What somebody outside K2 builds on it, in tools/examples.
  example: ['type:domain', 'type:ports'],
  testing: ['type:domain', 'type:ports', 'type:usecases'],
  composition: ['type:domain', 'type:ports', 'type:usecases', 'type:adapter'],
  app: ['type:domain', 'type:ports', 'type:usecases', 'type:composition'],
  tools: ['*'],
};

// What a *.spec.ts may import on top: the contract suites, builders and simulation of libs/testing.
const specs = {
  ...sources,
  domain: ['type:testing'],
  usecases: [...sources.usecases, 'type:testing', 'adapter:memory'],
  adapter: [...sources.adapter, 'type:testing'],
  example: [...sources.example, 'type:testing'],
  composition: [...sources.composition, 'type:testing'],
  app: [...sources.app, 'type:testing'],
};

export const sourceBoundaries = options(sources);
export const specBoundaries = options(specs);

function options(arrows) {
  return {
    depConstraints: Object.entries(arrows).map(([type, targets]) => ({
      sourceTag: `type:${type}`,
      onlyDependOnLibsWithTags: targets,
    })),
    // composition imports an adapter when it is chosen, and the lock of the data directory always.
    checkDynamicDependenciesExceptions: ['^@k2/adapter-'],
    // Only a package that the project itself (or the root) declares.
    banTransitiveDependencies: true,
    // The project graph does not tell specs from sources, so it sees circles where only specs look back.
    // The arrows above have none.
    ignoredCircularDependencies: [
      ['tag:type:domain', 'tag:type:testing'],
      ['tag:type:usecases', 'tag:type:testing'],
      ['tag:type:usecases', 'tag:adapter:memory'],
      ['tag:type:adapter', 'tag:type:testing'],
    ],
  };
}
