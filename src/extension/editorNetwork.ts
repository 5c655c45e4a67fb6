import * as vscode from 'vscode';
import type { Environment } from '../core/store/credentialsFromEnvironment';
import type { Network } from '../core/store/httpAgents';
import { goesStraight, proxyAddress, proxyFromEnvironment } from '../core/store/proxyFromEnvironment';

/**
 * VS Code replaces the agent of every request by one that knows its proxy settings, the system's and their certificates. Not when
 * `http.proxySupport` is "on": then who has an agent of their own, as we do to keep connections, looks after the proxy too.
 */
export function editorNetwork(env: Environment): Network {
  const settings = vscode.workspace.getConfiguration('http');
  if (settings.get<string>('proxySupport') !== 'on') return { patched: true };
  const proxy = proxyAddress(settings.get<string>('proxy', '').trim());
  if (!proxy) return { patched: true, proxyFor: proxyFromEnvironment(env) };
  const straight = settings.get<readonly string[]>('noProxy', []).join(',');
  return { patched: true, proxyFor: (address) => (goesStraight(address, straight) ? null : proxy) };
}
