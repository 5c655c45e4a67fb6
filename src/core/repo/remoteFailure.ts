/** What git's stderr says about a remote that could not be used. `unclear`: it may have done what was asked. */
export type RemoteFailure = 'auth' | 'offline' | 'unclear';

/** In the words of git, curl and ssh under LC_ALL=C. A host that answers "not found" to a private repository means "not you". */
const AUTH =
  /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied|requested URL returned error: 40[13]|Access denied|Host key verification failed|repository '.*' not found|Repository not found|invalid credentials/i;
/** Only what happens before a request could have arrived. */
const OFFLINE =
  /Could not resolve host|Couldn't resolve host|Name or service not known|nodename nor servname|Failed to connect|Couldn't connect|Connection refused|Network is unreachable|No route to host|Connection timed out|does not appear to be a git repository|does not exist|unable to look up/i;

/** Sorts a failed exchange by its stderr. */
export function classifyRemoteFailure(stderr: string): RemoteFailure {
  if (AUTH.test(stderr)) return 'auth';
  return OFFLINE.test(stderr) ? 'offline' : 'unclear';
}

/** What the server itself said (`remote: ...`), else git's own complaint without its advice. */
export function remoteText(stderr: string): string {
  const lines = stderr.split(/\r?\n|\r/).map((line) => line.trimEnd());
  const said = lines.filter((line) => line.startsWith('remote:')).map((line) => line.slice('remote:'.length).trim());
  const chosen = said.some((line) => line !== '') ? said : lines.filter((line) => !/^(hint:|To |warning:)/.test(line));
  return chosen
    .filter((line) => line !== '')
    .map((line) => line.replace(/\/\/[^/@\s]+@/g, '//')) // a password in a URL
    .join('\n');
}
