import type { FastifyInstance } from 'fastify';
import { wrongValue } from './problem.ts';

/** Levels of a body: those that K2 takes have one. */
const NESTING_MAX = 32;

/**
 * JSON is the one thing that bodies are; a form or plain text is 415, which also keeps browsers from posting here. What
 * is nested deeper than anything that could be meant is refused before something recurses into it.
 */
export function parseJsonBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  const parse = instance.getDefaultJsonParser('error', 'error');
  instance.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    if (nestingOf(text) > NESTING_MAX) {
      done(wrongValue('body', text.slice(0, 40), `JSON of at most ${NESTING_MAX} levels`));
      return;
    }
    void parse(request, text, done);
  });
}

function nestingOf(json: string): number {
  let level = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    const unit = json[at];
    if (isText) {
      if (unit === '\\') at++;
      else if (unit === '"') isText = false;
    } else if (unit === '"') isText = true;
    else if (unit === '{' || unit === '[') deepest = Math.max(deepest, ++level);
    else if (unit === '}' || unit === ']') level--;
  }
  return deepest;
}
