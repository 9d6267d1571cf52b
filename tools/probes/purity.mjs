// What pure code may not touch, one statement each, with the rule that has to refuse it.
const pure = {
  'no-restricted-imports': [
    "import 'rxjs';",
    "import 'node:fs';",
    "import 'fs';",
    "import type { Stats } from 'node:fs';\nexport type S = Stats;",
    "export * from 'node:path';",
  ],
  'no-restricted-properties': [
    'Date.now();',
    'Math.random();',
    'const { random } = Math;\nrandom();',
    'AbortSignal.timeout(1);',
  ],
  'no-restricted-syntax': [
    'void new Date();',
    'Date();',
    "void import('./other.ts');",
    'export const here = import.meta;',
  ],
  'no-restricted-globals': [
    'setTimeout(() => undefined, 1);',
    'setInterval(() => undefined, 1);',
    'setImmediate(() => undefined);',
    'process.exit();',
    "void fetch('http://localhost');",
    'crypto.randomUUID();',
    'performance.now();',
    "console.log('');",
    'Buffer.alloc(1);',
    'globalThis.toString();',
    "require('fs');",
  ],
};

/** Outside adapters and tools, time and chance come through ports. */
const noAmbientTime = {
  'no-restricted-properties': ['Date.now();', 'Math.random();', 'performance.now();', 'crypto.randomUUID();'],
  'no-restricted-syntax': ['void new Date();'],
  'no-restricted-globals': ['setTimeout(() => undefined, 1);'],
};

const allowedEverywhere = [
  'export const day = new Date(0).getUTCDay();',
  'export const root = Math.sqrt(2);',
  "import './other.ts';",
];

export const purityProbes = [
  ...['libs/domain', 'libs/ports', 'libs/usecases'].flatMap((project) => refuse(project, pure)),
  ...['libs/testing', 'libs/composition', 'apps/server', 'apps/cli'].flatMap((project) =>
    refuse(project, noAmbientTime),
  ),
  // Purity's own view of the workspace, beside the boundaries'.
  ...refuse('libs/domain', { 'no-restricted-imports': ["import '@k2/ports';"] }),
  ...refuse('libs/ports', { 'no-restricted-imports': ["import '@k2/usecases';"] }),
  ...refuse('libs/usecases', { 'no-restricted-imports': ["import '@k2/adapter-memory';"] }),
  ...['libs/domain', 'libs/ports', 'libs/usecases'].flatMap((project) =>
    allowedEverywhere.map((code) => ({ name: `${project}: ${code}`, project, code })),
  ),
  { name: 'libs/ports: a path into the domain', project: 'libs/ports', code: "import '@k2/domain/market';" },
  { name: 'an adapter reads the clock', project: 'libs/adapters/system', code: 'export const now = Date.now();' },
  { name: 'a domain spec uses npm', project: 'libs/domain', spec: true, code: "import 'fast-check';" },
];

function refuse(project, table) {
  return Object.entries(table).flatMap(([rule, snippets]) =>
    snippets.map((code) => ({ name: `${project}: ${code.split('\n')[0]}`, project, code, rule })),
  );
}
