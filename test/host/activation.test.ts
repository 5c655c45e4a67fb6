import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('the extension in VS Code', () => {
  it('is present and activates', async () => {
    const extension = vscode.extensions.getExtension('datamanager.datamanager');
    assert.ok(extension, 'VS Code knows the extension');
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  it('registers the commands that its package.json contributes', async () => {
    const contributed: { command: string }[] =
      vscode.extensions.getExtension('datamanager.datamanager')?.packageJSON.contributes.commands;
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.ok(contributed.length > 0);
    assert.deepEqual(
      contributed.map(({ command }) => command).filter((command) => !registered.has(command)),
      [],
    );
  });
});
