import { programIn } from '../process/find-program.ts';
import { runTool } from '../process/run-tool.ts';
import type { Progress } from '../progress.ts';
import { cached } from './cached.ts';

export interface GoProgram {
  readonly title: string;
  readonly package: string;
  /** As the Go module proxy knows it; Go checks it against its checksum database. */
  readonly version: string;
  /** How long it compiles on two cores. */
  readonly minutes: number;
}

/** The directory that holds the program, compiled from its source. */
export function goInstall(program: GoProgram, progress: Progress): Promise<string> {
  const name = `${program.package.split('/')[2]}-${program.version}`;
  const make = async (directory: string) => {
    const go = programIn('go', '/usr/local/go/bin', '/opt/homebrew/bin');
    if (go === undefined) {
      throw new Error(
        `${program.title} is compiled from its source, and there is no Go on this machine: ` +
          'install Go 1.24 or later (https://go.dev/dl), or use Docker',
      );
    }
    const startedMs = performance.now();
    const watch = setInterval(() => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      progress.update(`${program.title}: downloading and compiling for ${seconds} s (some ${program.minutes} minutes)`);
    }, 500);
    try {
      await runTool(`${program.title}: compiling`, go, ['install', `${program.package}@${program.version}`], {
        env: { GOBIN: directory, GOFLAGS: '', GOOS: '', GOARCH: '' },
      });
    } finally {
      clearInterval(watch);
    }
  };
  return cached(name, make, progress);
}
