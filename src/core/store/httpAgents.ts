import { type Agent, type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { DataManagerError, systemCode } from '../errors';
import { proxyLogin } from './networkErrors';

/** How requests get out of this machine. */
export interface Network {
  /** The proxy for an address, or null: straight there. */
  readonly proxyFor?: ((address: URL) => URL | null) | undefined;
  /** True where `node:http` was replaced by something that knows more proxies and certificates than we do: then all goes through it. */
  readonly patched?: boolean | undefined;
}

/** Connections are worth keeping; more than this many parts are never on their way. */
const KEPT = { keepAlive: true, maxSockets: 16 } as const;

/**
 * Gives the agent for an address: its connections are kept, and go through the proxy that is meant for it. What a proxy does wrong
 * comes out as STORE_UNREACHABLE and says so, without the proxy's password.
 *
 * @example
 * const agentFor = createAgents({ proxyFor: proxyFromEnvironment(env) });
 * request(url, { agent: agentFor(url) });
 */
export function createAgents({ proxyFor }: Network = {}): (address: URL) => Agent {
  const agents = new Map<string, Agent>();
  return (address) => {
    const proxy = proxyFor?.(address) ?? null;
    const name = `${address.protocol} ${proxy?.href ?? ''}`;
    const agent = agents.get(name) ?? withoutHeaders(createAgent(address, proxy));
    agents.set(name, agent);
    return agent;
  };
}

function createAgent({ protocol }: URL, proxy: URL | null): Agent {
  if (proxy) return protocol === 'https:' ? new TunnelAgent(proxy, KEPT) : new ForwardAgent(proxy, KEPT);
  return protocol === 'https:' ? new HttpsAgent(KEPT) : new HttpAgent(KEPT);
}

/** Headers and proxy of a request are no business of an agent's sockets: NODE_DEBUG=http and net would show them, passwords and all. */
function withoutHeaders(agent: Agent): Agent {
  const { addRequest } = agent as unknown as { addRequest(request: ClientRequest, options: object): void };
  const quiet = (request: ClientRequest, options: object) =>
    addRequest.call(agent, request, { ...options, headers: undefined, agent: undefined });
  return Object.assign(agent, { addRequest: quiet });
}

type TunnelTarget = Parameters<HttpsProxyAgent<string>['connect']>[1];
type ForwardedRequest = Parameters<HttpProxyAgent<string>['connect']>[0];

/** For https: the proxy only sees the name of the host. */
class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(request: ClientRequest, options: TunnelTarget): Promise<Socket> {
    let status = 200;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    const socket = await super.connect(request, options).catch((error) => {
      throw proxyUnreachable(this.proxy, error);
    });
    if (status === 200) return socket;
    socket.destroy();
    throw status === 407 ? proxyLogin(this.proxy.host) : proxyRefused(this.proxy, options.host ?? '', status);
  }
}

/** For http: the proxy passes the request on, and answers in the server's place. */
class ForwardAgent extends HttpProxyAgent<string> {
  override async connect(request: ForwardedRequest, options: TunnelTarget): Promise<Socket> {
    return super.connect(request, options).catch((error) => {
      throw proxyUnreachable(this.proxy, error);
    });
  }
}

function proxyUnreachable({ host }: URL, error: unknown): DataManagerError {
  const code = systemCode(error) ?? (error instanceof Error ? error.name : 'unknown');
  return new DataManagerError('STORE_UNREACHABLE', `The proxy ${host} can't be reached (${code}).`, {
    hint: 'Check the address of the proxy (HTTPS_PROXY, or http.proxy in VS Code), or leave it out for this host (NO_PROXY).',
    data: { proxy: host, system: code },
  });
}

function proxyRefused({ host }: URL, target: string, status: number): DataManagerError {
  return new DataManagerError('STORE_UNREACHABLE', `The proxy ${host} does not connect to ${target} (${status}).`, {
    hint: 'Ask whoever runs the proxy to allow this host, or leave it out of the proxy (NO_PROXY).',
    data: { proxy: host, status },
  });
}
