import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PortError, type AdapterPackage } from '@k2/ports';

/** What a package exports as `k2`. Throws `misconfigured`, naming the setting, where it is not there or offers no such port. */
export async function loadAdapter<Port extends keyof AdapterPackage>(
  name: string,
  port: Port,
): Promise<NonNullable<AdapterPackage[Port]>> {
  const specifier = /^[./]/.test(name) ? pathToFileURL(resolve(name)).href : name;
  let loaded: { readonly k2?: AdapterPackage };
  try {
    loaded = (await import(specifier)) as typeof loaded;
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const next = isMissing ? 'install it beside K2, or correct the name' : 'it fails while it is loaded';
    throw new PortError(
      'misconfigured',
      `K2_${port.toUpperCase()} is ${name}, which cannot be loaded (${(cause as Error).message}): ${next}`,
      { port, name },
      { cause },
    );
  }
  const open = loaded.k2?.[port];
  if (typeof open !== 'function') {
    const offered = Object.keys(loaded.k2 ?? {});
    const has = offered.length === 0 ? 'exports no `k2`' : `offers ${offered.join(', ')}`;
    throw new PortError(
      'misconfigured',
      `K2_${port.toUpperCase()} is ${name}, but that package ${has}: it has to export k2.${port}`,
      {
        port,
        name,
      },
    );
  }
  return open as NonNullable<AdapterPackage[Port]>;
}
