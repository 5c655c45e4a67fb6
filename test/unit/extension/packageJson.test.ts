import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { activityView, commandIds, contextKeys, datasetsView, historyView } from '../../../src/extension/ui/ids';

// What package.json promises and what the code does must be the same, in both directions.
interface MenuEntry {
  readonly command: string;
  readonly when?: string;
}
interface PackageJson {
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
    readonly menus: Readonly<Record<string, readonly MenuEntry[]>>;
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string; readonly contents: string; readonly when?: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
    readonly jsonValidation: readonly { readonly url: string }[];
  };
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
}

const text = readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as PackageJson;
const nls = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Record<string, string>;
const { commands, menus, views, viewsWelcome, configuration, jsonValidation } = manifest.contributes;

describe('package.json', () => {
  it('contributes exactly the commands that the table handles', () => {
    assert.deepEqual(commands.map(({ command }) => command).sort(), [...commandIds].sort());
    for (const { command, category } of commands) assert.equal(category, 'Data Manager', command);
  });

  it('names a text for every key, and no text without a key', () => {
    const used = [...text.matchAll(/"%([^"%]+)%"/g)].map(([, key]) => key ?? '');
    assert.deepEqual([...new Set(used)].sort(), Object.keys(nls).sort());
  });

  it('has menus and welcome texts of its own commands only', () => {
    const own = new Set<string>(commandIds);
    for (const [menu, entries] of Object.entries(menus)) {
      for (const { command } of entries) assert.ok(own.has(command), `${menu}: ${command}`);
    }
    for (const command of [
      ...Object.values(nls)
        .join(' ')
        .matchAll(/command:(datamanager\.\w+)/g),
    ]) {
      assert.ok(own.has(command[1] ?? ''), command[1]);
    }
  });

  it('hides from the palette only what works on a row or a file alone', () => {
    const hidden = (menus.commandPalette ?? []).filter(({ when }) => when === 'false').map(({ command }) => command);
    assert.deepEqual(hidden.sort(), ['datamanager.addFile', 'datamanager.showMore']);
  });

  it('has our three views, and welcome texts for them', () => {
    assert.deepEqual(
      (views.datamanager ?? []).map(({ id }) => id),
      [datasetsView, historyView, activityView],
    );
    for (const { view } of viewsWelcome) assert.ok([datasetsView, historyView, activityView].includes(view), view);
  });

  it('goes by context keys that the extension sets', () => {
    const set = new Set<string>([...Object.values(contextKeys), datasetsView, historyView, activityView]);
    const clauses = [...viewsWelcome, ...Object.values(menus).flat()].map(({ when }) => when ?? '').join(' ');
    for (const [key] of clauses.matchAll(/datamanager\.\w+/g)) assert.ok(set.has(key), key);
  });

  it('has few settings, each read by the code and described', () => {
    const names = Object.keys(configuration.properties);
    assert.ok(names.length <= 8);
    const source = readFileSync('src/extension/settings.ts', 'utf8');
    for (const name of names) assert.ok(source.includes(`'${name.replace('datamanager.', '')}'`), name);
    for (const name of manifest.capabilities.untrustedWorkspaces.restrictedConfigurations) {
      assert.ok(names.includes(name), name);
    }
  });

  it('points at files that are there', () => {
    for (const file of [manifest.icon, ...jsonValidation.map(({ url }) => url)]) assert.ok(existsSync(file), file);
  });
});
