import type { FaultPlace } from '../ui/faultPlace';

/** How a row of a view looks, as plain data: made without an editor, so that tests need none. */
export interface RowText {
  readonly label: string;
  readonly description?: string;
  /** A codicon; `color` is a theme colour and never the only sign of a state. */
  readonly icon: { readonly id: string; readonly color?: string };
  /** Kind and sorted `+flags`, for `viewItem =~` in package.json. */
  readonly contextValue: string;
  readonly children: 'none' | 'collapsed' | 'expanded';
  /** What a screen reader says: the icon's meaning in words too. */
  readonly spoken: string;
  /** Command of a click; it gets the node. */
  readonly command?: { readonly id: string; readonly title: string };
  /** What a click opens instead. */
  readonly opens?: FaultPlace;
}

/** `version` and its flags as one word: `version+diff+local`. */
export function contextValue(kind: string, flags: Readonly<Record<string, boolean>>): string {
  const set = Object.entries(flags).flatMap(([flag, on]) => (on ? [flag] : []));
  return [kind, ...set.sort()].join('+');
}

/** Parts of a description, those that are known, with a dot between. */
export function joined(parts: readonly (string | null | undefined)[], separator = ' · '): string {
  return parts.filter((part) => part !== null && part !== undefined && part !== '').join(separator);
}
