import type { Services } from '@k2/testing/services';
import type { Site } from './provider.ts';

/** What a server is to its users, whichever way it is provided. */
export interface Server {
  /** Its listeners, each of which gets a port. */
  readonly listeners: readonly string[];
  readonly startTimeoutMs: number;
  endpoints(site: Site): Partial<Services>;
  /** Makes a real request of it; throws where the answer is not one of a working server. */
  ask(site: Site): Promise<void>;
  /** After each start, as soon as it answers: makes what its users expect to find. */
  furnish?(site: Site): Promise<void>;
}

/** How long one question to a server may take. */
export const askTimeoutMs = 5_000;
