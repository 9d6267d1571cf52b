import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PortError } from '@k2/ports';

export function misconfigured(message: string): PortError {
  return new PortError('misconfigured', message);
}

/** Text of a PEM file that a setting names; null if it names none. Throws `misconfigured`. */
export async function readPem(setting: string, path: string): Promise<string | null> {
  if (path === '') return null;
  try {
    return await readFile(resolve(path), 'utf8');
  } catch (error) {
    throw misconfigured(`${setting} ${resolve(path)} cannot be read: ${(error as Error).message}`);
  }
}
