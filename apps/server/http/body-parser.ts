import type { FastifyInstance, FastifyRequest } from 'fastify';
import { wrongMediaType } from './about-request.ts';
import { ProblemError, valueProblem, wrongValue } from './problem.ts';
import { repeatedName } from './repeated-name.ts';
import { quotedValue, shortened } from './shown-value.ts';

/** Levels of a body: those that K2 takes have one. */
const NESTING_MAX = 32;

/**
 * JSON is the one thing that bodies are; a form or plain text is 415, which also keeps browsers from posting here. What
 * is nested deeper than anything that could be meant is refused before something recurses into it; so is an object that has
 * a name twice.
 */
export function parseJsonBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  const parse = instance.getDefaultJsonParser('error', 'error');
  instance.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    const problem = encodingProblem(request) ?? textProblem(text);
    if (problem !== null) {
      done(problem);
      return;
    }
    void parse(request, text, (error, value) => done(error === null ? repetitionProblem(text) : notJson(text), value));
  });
}

/** JSON is UTF-8 (RFC 8259, 8.1), and nothing is unpacked here. */
function encodingProblem({ headers }: FastifyRequest): ProblemError | null {
  const contentType = headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) return wrongMediaType(contentType);
  const coding = headers['content-encoding'] ?? 'identity';
  if (/^identity$/i.test(coding)) return null;
  return valueProblem('unsupported-media-type', 'Content-Encoding', coding, 'identity, or no such header', {
    'accept-encoding': 'identity',
  });
}

function textProblem(text: string): ProblemError | null {
  if (text === '') return wrongValue('body', text, 'a JSON object');
  return nestingOf(text) > NESTING_MAX ? wrongValue('body', text, `JSON of at most ${NESTING_MAX} levels`) : null;
}

function notJson(text: string): ProblemError {
  return wrongValue('body', text, 'valid JSON without __proto__ and constructor');
}

function repetitionProblem(text: string): ProblemError | null {
  const name = repeatedName(text);
  if (name === null) return null;
  const errors = [{ field: shortened(name), value: null, expected: 'one value' }];
  return new ProblemError('invalid-request', `the body has ${quotedValue(name)} twice: expected one value`, { errors });
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
