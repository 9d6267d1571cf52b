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

/** Also true of the error of an adapter that brought its own copy of this package. */
export function isPortError<Kind extends string>(error: unknown, ...kinds: readonly Kind[]): error is PortError<Kind> {
  if (!(error instanceof Error) || error.name !== 'PortError') return false;
  const { kind } = error as PortError;
  return typeof kind === 'string' && (kinds.length === 0 || (kinds as readonly string[]).includes(kind));
}
