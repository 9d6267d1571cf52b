import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.ts';
import { shortened } from './shown-value.ts';

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

  /** That the resource at the path has no such method; null where there is no resource. */
  methodProblem(method: string, path: string): ProblemError | null {
    const methods = [...(this.methodsByPath.get(path) ?? [])].sort();
    if (methods.length === 0 || methods.includes(method)) return null;
    const expected = methods.join(' or ');
    return new ProblemError('method-not-allowed', `${path} has no ${shortened(method)}: expected ${expected}`, {
      errors: [{ field: 'method', value: shortened(method), expected }],
      headers: { allow: methods.join(', ') },
    });
  }
}
