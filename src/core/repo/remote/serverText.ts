import { stripVTControlCharacters } from 'node:util';

const MAX_LINES = 6;
const MAX_LINE_CHARS = 300;

/** Control characters, and what turns the direction of text: a server's words go to a terminal or a window. */
const UNSHOWABLE = /[^\P{Cc}\n]|\p{Bidi_C}/gu;
/** What git servers count while they work, frames around a message, and the mark that GitLab puts before one. */
const PROGRESS =
  /^(Resolving deltas|(Enumerating|Counting|Compressing|Unpacking|Receiving) objects|Checking connectivity|Total \d)/;
const FRAME = /^[^\p{L}\p{N}]*$/u;
/** Shapes of access tokens: GitHub, GitLab, Bitbucket, then anything in a header. */
const TOKEN =
  /\b(gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|ATBB\w{16,})|((?:authorization|private-token): *)(?:(?:basic|bearer|token) +)?\S+/gi;

/**
 * A server's words, fit to be shown: a few lines without control characters, progress, frames, passwords in URLs, tokens, or the
 * given secrets.
 *
 * @example
 * showable('\x1b[31mpolicy says no\x1b[m\n=====\n'); // 'policy says no'
 */
export function showable(text: string, secrets: readonly string[] = []): string {
  let clean = stripVTControlCharacters(text).replace(/\r\n?/g, '\n').replace(/\t/g, ' ').replace(UNSHOWABLE, '');
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '***');
  const lines = clean
    .replace(/\/\/[^/@\s]+@/g, '//')
    .replace(TOKEN, (_all, _token, header: string | undefined) => `${header ?? ''}***`)
    .split('\n')
    .map((line) => line.replace(/^GL-HOOK-ERR: ?/, '').trim())
    .filter((line) => !FRAME.test(line) && !PROGRESS.test(line))
    .map((line) => (line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line));
  return (lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), '…'] : lines).join('\n');
}

/**
 * What the server itself said in git's stderr (`remote: ...`), else git's own complaint without its advice.
 *
 * @example
 * remoteText('remote: policy says no\nerror: failed to push'); // 'policy says no'
 */
export function remoteText(stderr: string): string {
  const lines = stderr.split(/\r?\n|\r/);
  const said = lines.flatMap((line) => (line.startsWith('remote:') ? [line.slice('remote:'.length).trim()] : []));
  const chosen = said.some((line) => line !== '') ? said : lines.filter((line) => !/^(hint:|To |warning:)/.test(line));
  return showable(chosen.join('\n'));
}

/**
 * Only what the server itself said, '' if it said nothing.
 *
 * @example
 * serverText('fatal: the remote end hung up'); // ''
 */
export function serverText(stderr: string): string {
  return /^remote:/m.test(stderr) ? remoteText(stderr) : '';
}

/**
 * An address without the user and password that may be in it.
 *
 * @example
 * plainAddress('https://ada:pw@example.com/x.git'); // 'https://example.com/x.git'
 */
export function plainAddress(url: string): string {
  return url.replace(/^(\w[\w+.-]*:\/\/)[^/@]+@/, '$1');
}
