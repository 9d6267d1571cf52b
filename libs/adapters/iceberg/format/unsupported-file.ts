/** Sound as far as one can see, and of a kind that K2 does not read. */
export class UnsupportedFile extends Error {
  override readonly name = 'UnsupportedFile';
}
