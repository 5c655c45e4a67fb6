import * as vscode from 'vscode';
import { type Credentials, isGitHub } from '../../core/repo/remote/credentials';

/**
 * VS Code's GitHub session, for github.com and nobody else. Only when the person has just `asked` for something that needs it may
 * VS Code ask them to sign in.
 */
export function gitHubCredentials(asked: boolean): Credentials {
  return async (address) => {
    if (!isGitHub(address)) return null;
    const options = asked ? { createIfNone: true } : { silent: true };
    const session = await getSession(options);
    return session ? { username: 'x-access-token', password: session.accessToken } : null;
  };
}

async function getSession(
  options: vscode.AuthenticationGetSessionOptions,
): Promise<vscode.AuthenticationSession | undefined> {
  try {
    return await vscode.authentication.getSession('github', ['repo'], options);
  } catch {
    return undefined; // the person did not want to, or there is no GitHub here
  }
}
