/**
 * The one error that crosses a port. Each port declares its kinds; callers switch on `kind`, never on message text.
 * `retryable` says whether the same call may succeed later without anything being changed by a person.
 */
export class PortError<Kind extends string = string> extends Error {
  override readonly name = 'PortError';
  readonly kind: Kind;
  readonly retryable: boolean;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    kind: Kind,
    message: string,
    context: Readonly<Record<string, unknown>> = {},
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryable = options.retryable ?? false;
    this.context = context;
  }
}

export function isPortError<Kind extends string>(error: unknown, ...kinds: readonly Kind[]): error is PortError<Kind> {
  return error instanceof PortError && (kinds.length === 0 || (kinds as readonly string[]).includes(error.kind));
}
