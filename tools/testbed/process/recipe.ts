import type { Progress } from '../progress.ts';
import type { Site } from '../provider.ts';
import type { Command } from './local-process.ts';

/** How one server is had as a process of this machine. */
export interface ProcessRecipe {
  /** Finds or downloads it; errors say what to install by hand. */
  install(progress: Progress): Promise<InstalledServer>;
}

export interface InstalledServer {
  readonly version: string;
  /** Lays out the empty directory of a new service (formats, certificates), and says how to start it, now and later. */
  layOut(site: Site): Promise<Command>;
}
