// Usage: node tools/bootstrap/run.mjs <task> [arguments]
// Every npm script of the workspace comes through here, so that a fresh clone and any Node from 20 on will do.
import { spawnSync } from 'node:child_process';
import { build } from './build.mjs';
import { ensureInstalled, say } from './install.mjs';
import { envFor, findNode24, workspaceRoot } from './node24.mjs';
import { supervise } from './supervise.mjs';

const tasks = {
  start: (args) => {
    build(node, 'run-many', '-t', 'build');
    supervise(node, ['--enable-source-maps', 'apps/server/dist/main.js', ...serverArgs(args)], {
      cwd: workspaceRoot,
      env,
    });
  },
  test: (args) => inOrder(() => nx('run-many', '-t', 'build', 'lint', 'typecheck', 'test', ...args), probes),
  'test:judge': (args) => run('--disable-warning=ExperimentalWarning', 'tools/judges/pyiceberg/run.mjs', ...args),
  'test:crash': (args) =>
    inOrder(
      () => nx('run-many', '-t', 'build'),
      () => run('--conditions=k2-source', 'tools/crash/main.ts', ...args),
    ),
  sim: (args) => run('--conditions=k2-source', '--disable-warning=ExperimentalWarning', 'tools/sim/main.ts', ...args),
  'sim:mutants': (args) =>
    run('--conditions=k2-source', '--disable-warning=ExperimentalWarning', 'tools/sim/mutants-main.ts', ...args),
  'test:judges': (args) => superviseServers('tools/judges/services/main.ts', args),
  'test:fire': (args) => {
    build(node, 'run-many', '-t', 'build');
    superviseServers('tools/fire/main.ts', args);
  },
  'test:docker': (args) => superviseServers('tools/infra-trial/main.ts', args),
  services: (args) => superviseServers('tools/testbed/main.ts', args),
  'test:services': (args) => superviseServers('tools/testbed/test-services.ts', args),
  build: (args) => nx('run-many', '-t', 'build', ...args),
  lint: (args) => nx('run-many', '-t', 'lint', ...args),
  typecheck: (args) => nx('run-many', '-t', 'typecheck', ...args),
  probes,
  bench: (args) =>
    inOrder(
      () => nx('run-many', '-t', 'build'),
      () => run('--conditions=k2-source', 'tools/bench/main.ts', ...args),
    ),
  'bench:services': (args) => {
    build(node, 'run-many', '-t', 'build');
    superviseServers('tools/bench/services/main.ts', args);
  },
  format: () => run('node_modules/prettier/bin/prettier.cjs', '--write', '--log-level=warn', '.'),
  'format:check': () => run('node_modules/prettier/bin/prettier.cjs', '--check', '.'),
  nx: (args) => nx(...args),
};

const [task, ...args] = process.argv.slice(2);
let node;
let env;

try {
  if (!Object.hasOwn(tasks, task ?? ''))
    throw new Error(`no task "${task}"; there are: ${Object.keys(tasks).join(', ')}`);
  ensureInstalled();
  node = findNode24();
  env = envFor(node);
  tasks[task](args);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

function serverArgs(args) {
  return args.some((arg) => arg === '--role' || arg.startsWith('--role=')) ? args : ['--role', 'all', ...args];
}

/** Supervised, because it has servers to stop when it is interrupted. */
function superviseServers(file, args) {
  // The last one is of the Kafka client's timers, which only a developer of that client can act on.
  const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
  supervise(node, ['--conditions=k2-source', ...quiet, file, ...args], { cwd: workspaceRoot, env });
}

function probes() {
  run('tools/probes/main.mjs');
}

function nx(...nxArgs) {
  run('node_modules/nx/dist/bin/nx.js', ...nxArgs);
}

function run(...nodeArgs) {
  const { status } = spawnSync(node, nodeArgs, { cwd: workspaceRoot, env, stdio: 'inherit' });
  process.exitCode ||= status ?? 1;
}

/** Later steps run even when an earlier one failed: one run shows everything that is wrong. */
function inOrder(...steps) {
  for (const step of steps) step();
}
