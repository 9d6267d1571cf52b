/** A line longer than this is refused rather than gathered. */
const LINE_CHARS_MAX = 16 * 1_048_576;

/** The JSON values of an NDJSON body, those of one chunk at a time. Throws SyntaxError on a line that is not JSON. */
export async function* ndjsonBatches<Value>(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Value[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > LINE_CHARS_MAX) throw new SyntaxError(`a line of over ${LINE_CHARS_MAX} characters`);
    const values = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Value);
    if (values.length > 0) yield values;
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield [JSON.parse(rest) as Value];
}
