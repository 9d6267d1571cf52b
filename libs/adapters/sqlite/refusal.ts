/**
 * What a database program in the worker throws if the caller is to see a PortError of this kind. The worker itself
 * imports nothing but node:*, so it starts within milliseconds and runs from sources as from a build.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  constructor(kind: string, message: string, context: Readonly<Record<string, unknown>>, retryable = false) {
    super(message);
    this.kind = kind;
    this.context = context;
    this.retryable = retryable;
  }
}
