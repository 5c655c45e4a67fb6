/**
 * What keeps a file name from being used on Windows, or null. A `:` would even write into a hidden stream of another
 * file. https://learn.microsoft.com/windows/win32/fileio/naming-a-file
 *
 * @example
 * windowsNameProblem('aux.sqlite'); // '"aux.sqlite" is a reserved name on Windows'
 */
export function windowsNameProblem(name: string): string | null {
  if (/[<>:"|?*]/.test(name)) return `Windows allows none of < > : " | ? * in "${name}"`;
  if (/[. ]$/.test(name)) return `on Windows "${name}" can't end in a dot or a space`;
  if (/^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i.test(name)) return `"${name}" is a reserved name on Windows`;
  return null;
}
