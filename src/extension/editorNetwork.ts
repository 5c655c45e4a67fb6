import type { Environment } from '../core/store/credentialsFromEnvironment';
import type { Network } from '../core/store/httpAgents';

export function editorNetwork(_env: Environment): Network {
  return {};
}
