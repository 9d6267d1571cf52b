import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { goInstall } from '../testbed/cache/go.ts';
import type { Progress } from '../testbed/progress.ts';
import { type CommandOptions, run } from './command.ts';

const composeVersion = 'v5.0.2';

/** The docker command, at one daemon, with Compose. */
export class Docker {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(program: string, env: Readonly<Record<string, string>>) {
    this.program = program;
    this.env = env;
  }

  run(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return run(this.program, args, { ...options, env: { ...this.env, ...options.env } });
  }

  async hasImage(image: string, label = ''): Promise<boolean> {
    const format = '{{index .Config.Labels "k2.stand-in"}}';
    const found = await this.run(['image', 'inspect', image, '--format', format]).catch(() => null);
    return found !== null && (label === '' || found.trim() === label);
  }

  /** With the classic builder, which needs no plugin. */
  async build(image: string, context: string, more: readonly string[] = []): Promise<void> {
    await this.run(['build', '--tag', image, ...more, context], { env: { DOCKER_BUILDKIT: '0' } });
  }
}

/** Compose is compiled where the machine has none. */
export async function dockerAt(program: string, host: string, progress: Progress): Promise<Docker> {
  const found = new Docker(program, { DOCKER_HOST: host });
  const hasCompose = await found.run(['compose', 'version']).then(
    () => true,
    () => false,
  );
  if (hasCompose) return found;
  const directory = await goInstall(
    { title: 'Docker Compose', package: 'github.com/docker/compose/v5/cmd', version: composeVersion, minutes: 2 },
    progress,
  );
  // Where docker looks for plugins; the program is called by the last part of its package.
  const config = join(directory, 'config');
  mkdirSync(join(config, 'cli-plugins'), { recursive: true });
  copyFileSync(join(directory, 'cmd'), join(config, 'cli-plugins', 'docker-compose'));
  return new Docker(program, { DOCKER_HOST: host, DOCKER_CONFIG: config });
}
