import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';

const WORKSPACE = resolve(import.meta.dirname, '../../..');
const NOT_COPIED = new Set(['.git', '.nx', '.cache', '.k2', 'coverage', 'dist', 'node_modules', 'tmp', '__probe__']);

const NODE_OPTIONS = '--experimental-vm-modules --conditions=k2-source --disable-warning=ExperimentalWarning';

export interface Ended {
  readonly code: number | null;
  /** Both streams. */
  readonly output: string;
}

/** The workspace's sources in a temporary directory, on the packages installed in this one. */
export class WorkspaceCopy {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'k2-workspace-')));

  constructor() {
    const isSource = (path: string) => path === WORKSPACE || !NOT_COPIED.has(basename(path));
    cpSync(WORKSPACE, this.root, { recursive: true, filter: isSource });
    const packages = join(WORKSPACE, 'node_modules');
    mkdirSync(join(this.root, 'tmp'));
    for (const name of readdirSync(packages).filter((one) => !one.startsWith('.'))) {
      const scope = join(packages, name);
      if (!name.startsWith('@')) this.link(scope);
      else for (const one of readdirSync(scope)) this.link(join(scope, one));
    }
  }

  /** The program of a package, with the Node that runs this and the flags that tests have. */
  run(program: string, ...args: readonly string[]): Ended {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join('node_modules', program), ...args], {
      cwd: this.root,
      encoding: 'utf8',
      env: { ...plainEnvironment(), NODE_OPTIONS, TMPDIR: join(this.root, 'tmp'), FORCE_COLOR: '0' },
      maxBuffer: 1 << 26,
    });
    return { code: status, output: stdout + stderr };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** A package of the workspace is the copy's own, any other the one that is installed. */
  private link(path: string): void {
    const at = join(this.root, relative(WORKSPACE, path));
    const inside = relative(WORKSPACE, realpathSync(path));
    const isOurs = !inside.startsWith('node_modules') && !inside.startsWith('..');
    mkdirSync(resolve(at, '..'), { recursive: true });
    symlinkSync(isOurs ? join(this.root, inside) : realpathSync(path), at, 'junction');
  }
}

/** Without what would send Nx to the workspace that this test runs in. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => /^(?:K2_|JEST_|NX_)|^NODE_ENV$|^INIT_CWD$|^NODE_V8_COVERAGE$/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
}
