// Proves that the lint rules which keep the architecture fire: plants a violation of each in the project it is about,
// lints it with the workspace's own configuration, and removes it again.
import { ESLint } from 'eslint';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { arrowProbes } from './arrows.mjs';
import { purityProbes } from './purity.mjs';

const workspaceRoot = fileURLToPath(new URL('../..', import.meta.url));
const probes = [...arrowProbes, ...purityProbes].map((probe, index) => ({
  ...probe,
  file: join(workspaceRoot, probe.project, '__probe__', `probe-${index}${probe.spec ? '.spec' : ''}.ts`),
}));

const failures = [];
process.on('exit', removeAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

for (const { file, code } of probes) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${code}\n`);
}
const results = await new ESLint({ cwd: workspaceRoot }).lintFiles(probes.map(({ file }) => file));
const messagesOf = new Map(results.map(({ filePath, messages }) => [filePath, messages]));

for (const { file, name, rule } of probes) {
  const messages = messagesOf.get(file) ?? [{ ruleId: null, message: 'ESLint ignored the file' }];
  const fired = messages.map(({ ruleId, message }) => ruleId ?? message);
  const broken = messages.find(({ ruleId }) => ruleId === null);
  if (broken) failures.push(`${name}: the probe itself is broken: ${broken.message}`);
  else if (rule && !fired.includes(rule))
    failures.push(`${name}: ${rule} did not fire (${fired.join(', ') || 'nothing did'})`);
  else if (!rule && fired.length > 0) failures.push(`${name}: should pass, but ${fired.join(', ')} fired`);
}

for (const failure of failures) console.error(`✖ ${failure}`);
const passed = probes.length - failures.length;
console.log(`lint probes: ${passed} passed, ${failures.length} failed`);
mkdirSync(join(workspaceRoot, 'tmp', 'test-results'), { recursive: true });
writeFileSync(
  join(workspaceRoot, 'tmp', 'test-results', 'probes.json'),
  JSON.stringify({ numPassedTests: passed, numFailedTests: failures.length, numRuntimeErrorTestSuites: 0 }),
);
process.exitCode = failures.length > 0 ? 1 : 0;

function removeAll() {
  for (const { file } of probes) rmSync(dirname(file), { recursive: true, force: true });
}
