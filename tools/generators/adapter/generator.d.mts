import type { Tree } from '@nx/devkit';

export interface AdapterGeneratorOptions {
  readonly name: string;
  readonly port: string;
  readonly directory?: string;
}

/** Throws where the options are not what the schema says, and where something would be overwritten. */
export default function adapterGenerator(tree: Tree, options: AdapterGeneratorOptions): Promise<() => void>;
