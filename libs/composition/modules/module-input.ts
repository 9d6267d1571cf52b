import type { TopicRules } from '@k2/domain/wire';
import type { AdapterContext } from '@k2/ports';
import type { AdapterChoice } from '../adapter-choice.ts';
import type { Settings } from '../settings.ts';

/** What the modules are made from. */
export interface ModuleInput {
  readonly settings: Settings;
  readonly choice: AdapterChoice;
  readonly rules: TopicRules;
  /** A directory of this process. */
  readonly scratchDirectory: string;
  /** For adapters of other packages. */
  readonly context: AdapterContext;
  /** Has what a module opened for itself closed with the rest, and passes it on. */
  readonly opened: <Port>(name: string, port: Port) => Port;
  /** Watches what becomes of the calls of a port that the process rests on. */
  readonly observed: <Port extends object>(name: string, port: Port) => Port;
  /** Whether this process writes to the data directory. */
  readonly writes: boolean;
}
