import type { Site } from '../provider.ts';

/** How one server is had as a container. */
export interface DockerRecipe {
  readonly image: string;
  readonly version: string;
  /** Lays out what users of the service read from its directory, and says what its container is like. */
  layOut(site: Site): Promise<ContainerPlan> | ContainerPlan;
}

/** A container, but for its name; JSON. */
export interface ContainerPlan {
  /** Ports inside, by the names of the listeners that are published at the site's ports of 127.0.0.1. */
  readonly ports: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** What asks it to end in good order; as the image says by default. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
}
