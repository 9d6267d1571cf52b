interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version?: string; readonly integrity?: string; readonly optional?: boolean; readonly link?: boolean }
    >
  >;
}

export function ensureInstalled(): void;
export function say(line: string): void;
export function isAsLocked(installed: Lockfile, wanted: Lockfile): boolean;
