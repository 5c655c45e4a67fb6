import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareRemote, type GitFixture, manifestRepository, runIn } from './gitFixture';

export interface Published {
  readonly bare: string;
  readonly fixture: GitFixture;
  /** The remote's branch `main`. */
  tip(): string;
  head(): string;
}

/** A work tree with one commit, and a bare remote that has it. */
export function published(): Published {
  const bare = bareRemote();
  const fixture = manifestRepository();
  fixture.run('remote', 'add', 'origin', bare);
  fixture.run('push', '-q', '-u', 'origin', 'main');
  const head = (): string => fixture.run('rev-parse', 'HEAD').trim();
  return { bare, fixture, head, tip: () => runIn(bare, ['rev-parse', 'main']).trim() };
}

/** Installs a hook; `gitDir` is a bare repository or a `.git`. */
export function hook(gitDir: string, name: string, script: string): void {
  writeFileSync(join(gitDir, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
