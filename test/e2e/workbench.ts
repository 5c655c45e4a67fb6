import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { openBrowser } from '../harness/browser.mjs';
import { startServer } from '../harness/server.mjs';

// out/test/e2e -> the project's root
const root = path.resolve(__dirname, '../../..');

/** VS Code with the packaged extension installed, as a person sees it. Close it in an `after` hook. */
export interface Workbench {
  readonly page: Page;
  /** Everything that VS Code writes: settings, state, log files, the home folder. It goes with the workbench. */
  readonly dir: string;
  /** Opens our container in the activity bar; waits until its views are there. */
  openDataManager(): Promise<void>;
  /** A row of one of our views by its visible label (its accessible name may say more, such as ", has actions"). */
  row(label: string, view?: string): Locator;
  /** Runs a command by its title in the command palette. */
  runCommand(title: string): Promise<void>;
  /** The box that asks: QuickPick, InputBox and the simple file dialog share it. */
  readonly quickInput: Locator;
  /** Picks an entry of the open QuickPick. */
  pick(label: string | RegExp): Promise<void>;
  /** Types over what the open InputBox holds and accepts it. */
  answer(text: string): Promise<void>;
  /** Answers the simple file dialog; `button` is what its OK says. */
  chooseFile(button: string, file: string): Promise<void>;
  /** Chooses an entry of a row's context menu. */
  chooseAction(row: string, action: string): Promise<void>;
  /** Puts a text into the clipboard. */
  copy(text: string): Promise<void>;
  toast(text: string | RegExp): Locator;
  readonly dialog: Locator;
  /** Lines on one side of the open diff editor, as far as they are scrolled into view. */
  diffLines(side: 'original' | 'modified'): Promise<string[]>;
  /** Saves what is on the screen as <name>.png in the folder that DM_SHOTS names, by default out/shots. */
  shot(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface WorkbenchOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Leave workspace trust on, as on a desktop. */
  readonly trust?: boolean;
}

/** Starts VS Code with out/datamanager.vsix installed and opens a folder in it. */
export async function openWorkbench(folder: string, options: WorkbenchOptions = {}): Promise<Workbench> {
  const vsix = path.join(root, process.env.DM_VSIX ?? 'out/datamanager.vsix');
  const server = await startServer({ vsix: [vsix], logFiles: true, ...options });
  const { browser, context } = await openBrowser();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const shots = path.resolve(root, process.env.DM_SHOTS ?? 'out/shots');
  mkdirSync(shots, { recursive: true });

  const quickInput = page.locator('.quick-input-widget');
  const input = quickInput.locator('.quick-input-box input').first();

  const workbench: Workbench = {
    page,
    dir: server.dir,
    quickInput,
    dialog: page.locator('.monaco-dialog-box'),
    async openDataManager() {
      const tab = page.getByRole('tab', { name: 'Data Manager' });
      await tab.waitFor();
      // A click on the container that is open already would close it.
      if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
      await page.getByRole('button', { name: 'Datasets Section' }).waitFor();
    },
    row(label, view = 'Datasets') {
      const visible = page.locator('.label-name').getByText(label, { exact: true });
      return page.getByRole('tree', { name: view }).locator('.monaco-list-row').filter({ has: visible });
    },
    async runCommand(title) {
      await page.keyboard.press('F1');
      await input.waitFor();
      await page.keyboard.type(title);
      await quickInput.getByRole('option', { name: title }).first().waitFor();
      await page.keyboard.press('Enter');
    },
    async pick(label) {
      await quickInput.getByRole('option', { name: label }).first().click();
    },
    async answer(text) {
      await input.waitFor();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    },
    async chooseFile(button, file) {
      await quickInput.getByRole('button', { name: button, exact: true }).waitFor();
      // It lists the folder before it takes a path, and puts its own text in the box until then.
      await quickInput.getByRole('option', { name: 'manifest.json' }).first().waitFor();
      await input.fill(file);
      await quickInput
        .getByRole('option', { name: path.basename(file) })
        .first()
        .waitFor();
      await page.keyboard.press('Enter');
    },
    async chooseAction(row, action) {
      await workbench.row(row).click({ button: 'right' });
      const entry = page.getByRole('menuitem', { name: action, exact: true });
      await entry.waitFor();
      // A menu takes no click in its first moments: the one that opened it must not choose.
      await page.waitForTimeout(500);
      await entry.click();
    },
    copy: (text) => page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`),
    toast: (text) => page.locator('.notification-toast', { hasText: text }),
    async diffLines(side) {
      const lines = page.locator(`.monaco-diff-editor .editor.${side} .view-line`);
      return (await lines.allInnerTexts()).map((line) => line.replaceAll('\u00a0', ' '));
    },
    async shot(name) {
      await page.screenshot({ path: path.join(shots, `${name}.png`) });
    },
    async close() {
      await browser.close();
      await server.stop();
    },
  };

  try {
    await page.goto(server.url(folder));
    await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    await page.getByRole('tab', { name: 'Data Manager' }).waitFor({ timeout: 60_000 });
  } catch (error) {
    await workbench.shot('start-failed');
    await workbench.close();
    throw error;
  }
  return workbench;
}
