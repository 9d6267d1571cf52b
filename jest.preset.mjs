import { mkdirSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// The build's own SWC settings, except that tests run sources, so imports keep their ".ts".
const swc = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));
swc.jsc.rewriteRelativeImportExtensions = false;

// Jest does not make the folder for its --outputFile.
mkdirSync(new URL('tmp/test-results', import.meta.url), { recursive: true });

// Node strips the types of what runs in worker threads and child processes once a file, not once a thread (ADR 22).
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('tmp/compile-cache', import.meta.url));
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

/** Shared by every project; see the `test` target in nx.json for the flags Node needs. */
export default {
  testEnvironment: 'node',
  // Ends a test that hangs. A busy machine is slow, and that is no fault: hence much more than any test takes.
  testTimeout: 60_000,
  // @k2/* resolves to sources, so a test never sees a stale build. Jest adds "import" or "require" itself.
  testEnvironmentOptions: { customExportConditions: ['k2-source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/**/*.spec.ts'],
  // Specs of real servers have a target of their own: jest.services.preset.mjs.
  testPathIgnorePatterns: ['/node_modules/', '/__probe__/', '<rootDir>/dist/', '\\.services\\.spec\\.ts$'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
};
