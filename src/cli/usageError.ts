/** The command line was written wrongly: exit code 2. `hint` says how it is written. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}
