import { UsageError } from './usageError';

/** The whole number, 0 or more, that an option was given; undefined when it was not. Throws UsageError. */
export function numberOption(name: string, text: string | undefined, hint: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${name} must be a whole number, not ${JSON.stringify(text)}.`, hint);
}

/** The same, where `all` is null: no limit. */
export function limitOption(text: string | undefined, hint: string): number | null | undefined {
  return text === 'all' ? null : numberOption('limit', text, hint);
}
