import { parentPort } from 'node:worker_threads';
import { digestOfFile } from './digest.ts';

/** The thread that reads files for their digests; one after the other, in the order they come. */

export interface DigestRequest {
  readonly id: number;
  readonly path: string;
}
export type DigestResponse =
  { readonly id: number; readonly digest: string } | { readonly id: number; readonly error: unknown };

const port = parentPort!;
port.on('message', ({ id, path }: DigestRequest) => port.postMessage(answer(id, path)));

function answer(id: number, path: string): DigestResponse {
  try {
    return { id, digest: digestOfFile(path) };
  } catch (error) {
    return { id, error };
  }
}
