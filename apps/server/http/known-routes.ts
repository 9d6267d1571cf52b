import type { FastifyInstance } from 'fastify';

/** Methods by path, of the routes that are literal paths: all of the API's. */
export class KnownRoutes {
  private readonly methodsByPath = new Map<string, Set<string>>();

  /** To be called before any route is added. */
  watch(instance: FastifyInstance): void {
    instance.addHook('onRoute', ({ method, url }) => {
      if (url.includes('*') || url.includes(':')) return;
      const methods = this.methodsByPath.get(url) ?? new Set();
      for (const one of [method].flat()) methods.add(one);
      this.methodsByPath.set(url, methods);
    });
  }

  methodsOf(path: string): readonly string[] {
    return [...(this.methodsByPath.get(path) ?? [])].sort();
  }
}
