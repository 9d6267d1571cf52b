import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AdapterPackage } from '@k2/ports';
import { WorkspaceCopy, type Ended } from './workspace-copy.ts';

const PORTS = ['log', 'store', 'catalog', 'objects', 'engine', 'dedup'] as const satisfies (keyof AdapterPackage)[];
/** The smallest contract has more. */
const CASES_MIN = 5;

interface JestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[];
  }[];
}

/** As somebody does it, in a copy of this workspace. */
describe('npx nx g @k2/tools:adapter, for each port', () => {
  jest.setTimeout(300_000);
  const projects = PORTS.map((port) => `libs/adapters/try-${port}`);
  let copy: WorkspaceCopy;
  const generate = (...args: readonly string[]): Ended =>
    copy.run('nx/dist/bin/nx.js', 'g', '@k2/tools:adapter', ...args);

  beforeAll(() => {
    copy = new WorkspaceCopy();
    for (const port of PORTS) {
      const { code, output } = generate(`try-${port}`, `--port=${port}`);
      expect([code, output]).toEqual([0, expect.stringContaining(`npm run nx -- test adapter-try-${port}`)]);
    }
  });
  afterAll(() => copy.remove());

  it('makes a project that passes lint and type check at once', () => {
    const clean = { code: 0, output: '' };
    expect(copy.run('eslint/bin/eslint.js', ...projects, '--max-warnings=0')).toEqual(clean);
    expect(copy.run('prettier/bin/prettier.cjs', '--check', '--log-level=warn', ...projects)).toEqual(clean);
    // Those of the other ports agree with theirs by adapter.spec.ts.
    expect(copy.run('typescript/bin/tsc', '--noEmit', '-p', `${projects[0]}/tsconfig.json`)).toEqual(clean);
  });

  it('makes a project that fails every case of its contract, because nothing is written', () => {
    const report = join(copy.root, 'report.json');
    const configs = projects.map((project) => `${project}/jest.config.mjs`);
    copy.run('jest/bin/jest.js', '--projects', ...configs, '--json', `--outputFile=${report}`);
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
    expect(numPassedTests).toBe(0);
    expect(testResults).toHaveLength(PORTS.length);
    for (const { assertionResults } of testResults) {
      expect(assertionResults.length).toBeGreaterThanOrEqual(CASES_MIN);
      const reasons = assertionResults.map(({ failureMessages }) => failureMessages.join()).join();
      expect(reasons).toMatch(/is not written yet/);
      expect(reasons).not.toMatch(/TypeError|SyntaxError|ReferenceError|Cannot find/);
    }
  });

  it('writes nothing in a dry run, and nothing over what is there', () => {
    expect(generate('try-dry', '--port=log', '--dry-run')).toMatchObject({
      code: 0,
      output: expect.stringContaining('CREATE libs/adapters/try-dry/try-dry-tick-log.ts'),
    });
    expect(existsSync(join(copy.root, 'libs/adapters/try-dry'))).toBe(false);
    expect(generate('try-log', '--port=log')).toMatchObject({
      code: 1,
      output: expect.stringContaining('libs/adapters/try-log exists already'),
    });
  });
});
