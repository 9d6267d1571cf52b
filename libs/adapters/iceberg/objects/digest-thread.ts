import { Worker } from 'node:worker_threads';
import type { DigestRequest, DigestResponse } from './digest-worker.ts';

const isSource = import.meta.url.endsWith('.ts');
const WORKER = new URL(isSource ? './digest-worker.ts' : './digest-worker.js', import.meta.url);

interface Waiting {
  resolve(digest: string): void;
  reject(error: unknown): void;
}

/** Digests of local files, away from the thread that answers requests. Holds no process that has nothing else to do. */
export class DigestThread {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  digest(path: string): Promise<string> {
    const worker = this.started();
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, path } satisfies DigestRequest);
    });
  }

  private started(): Worker {
    if (this.worker !== null) return this.worker;
    const worker = new Worker(WORKER, {
      name: 'k2-digests',
      ...(isSource && { execArgv: ['--conditions=k2-source'] }),
    });
    worker.on('message', (response: DigestResponse) => {
      const waiting = this.taken(response.id);
      if ('digest' in response) waiting?.resolve(response.digest);
      else waiting?.reject(response.error);
      if (this.waiting.size === 0) worker.unref();
    });
    worker.on('error', (error) => this.ended(error));
    worker.on('exit', (code) => this.ended(new Error(`the thread of digests ended with exit code ${code}`)));
    worker.unref();
    return (this.worker = worker);
  }

  private taken(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }

  /** The next request starts another. */
  private ended(error: Error): void {
    this.worker = null;
    for (const id of [...this.waiting.keys()]) this.taken(id)?.reject(error);
  }
}
