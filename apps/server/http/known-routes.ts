import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.ts';
import { shortened } from './shown-value.ts';

/** Methods by path, of the API's routes: `/v1/maintenance/:id` is any path with something in place of `:id`. */
export class KnownRoutes {
  private readonly methodsByPath = new Map<string, Set<string>>();
  private readonly patterns: { readonly path: string; readonly pattern: RegExp }[] = [];

  /** To be called before any route is added. */
  watch(instance: FastifyInstance): void {
    instance.addHook('onRoute', ({ method, url }) => {
      if (url.includes('*')) return;
      const methods = this.methodsByPath.get(url) ?? new Set();
      if (url.includes(':') && methods.size === 0)
        this.patterns.push({ path: url, pattern: new RegExp(`^${url.replace(/:\w+/g, '[^/]+')}$`) });
      for (const one of [method].flat()) methods.add(one);
      this.methodsByPath.set(url, methods);
    });
  }

  /** That the resource at the path has no such method; null where there is no resource. */
  methodProblem(method: string, path: string): ProblemError | null {
    const known = this.patterns.find(({ pattern }) => pattern.test(path))?.path ?? path;
    const methods = [...(this.methodsByPath.get(known) ?? [])].sort();
    if (methods.length === 0 || methods.includes(method)) return null;
    const expected = methods.join(' or ');
    return new ProblemError('method-not-allowed', `${path} has no ${shortened(method)}: expected ${expected}`, {
      errors: [{ field: 'method', value: shortened(method), expected }],
      headers: { allow: methods.join(', ') },
    });
  }
}
