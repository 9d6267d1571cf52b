import { existsSync, readdirSync, readFileSync } from 'node:fs';

const dir = new URL('../tmp/test-results/', import.meta.url);
let passed = 0;
let failed = 0;
for (const file of existsSync(dir) ? readdirSync(dir) : []) {
  const result = JSON.parse(readFileSync(new URL(file, dir), 'utf8'));
  passed += result.numPassedTests;
  // A suite that could not even be loaded has no tests to count.
  failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
}
console.log(`${passed} passed, ${failed} failed`);
