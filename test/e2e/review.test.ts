import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import initSqlJs from 'sql.js';
import { writeDemoVersions } from '../../scripts/demoDatabase.mjs';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

/** Changes as reviewers meet them, each made to the first version of the demo. */
const changes: Readonly<Record<string, string>> = {
  'few-cells': `
    UPDATE costs_invest SET cost = round(cost * 1.1, 2), notes = 'quote of March' WHERE region = 'NORD' AND tech = 'PV_ROOF';
    UPDATE costs_invest SET cost = 99.5 WHERE region = 'WEST' AND tech = 'BATTERY' AND vintage = 2050;
    UPDATE costs_fixed SET cost = cost * 2 WHERE region = 'OST' AND tech = 'BATTERY' AND vintage = 2030 AND period = 2040;
    UPDATE technologies SET description = 'roof-top photovoltaics', lifetime = 25 WHERE tech = 'PV_ROOF';
    DELETE FROM demands WHERE region = 'ALPEN' AND commodity = 'STEAM' AND period = 2050;
    INSERT INTO commodities VALUES ('NH3', 'carrier', 'Ammonia')`,
  'added-column': `
    ALTER TABLE technologies ADD COLUMN learning_rate REAL;
    UPDATE technologies SET learning_rate = 0.15 WHERE tech LIKE 'PV%';
    UPDATE technologies SET learning_rate = 0.08 WHERE tech LIKE 'WIND%'`,
  'mass-insert': `
    CREATE TABLE prices (hour INTEGER PRIMARY KEY, price REAL NOT NULL, zone TEXT);
    INSERT INTO prices SELECT value, round(40 + 30 * ((value * 7919) % 100) / 100.0, 2), 'DE' FROM
      (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 50000) SELECT value FROM n);
    INSERT INTO periods VALUES (2055, 5)`,
  'mass-update': `
    UPDATE capacity_factors SET factor = round(factor * 1.05 + 0.001, 4);
    UPDATE demand_profiles SET share = share * 1.01`,
  'schema-only': `
    CREATE INDEX demands_by_period ON demands (period);
    DROP VIEW costs_of_2050;
    CREATE VIEW costs_of_2050 AS SELECT region, tech, cost, unit FROM costs_invest WHERE vintage = 2050;
    DROP INDEX costs_invest_by_tech`,
};

/** Values that look alike, and values that are long. */
const values = {
  before: `
    CREATE TABLE readings (id INTEGER PRIMARY KEY, label TEXT, value, note TEXT, raw BLOB);
    INSERT INTO readings VALUES
      (1, 'NULL or empty', NULL, NULL, NULL),
      (2, 'integer or real', 1, 'a number', x'0102'),
      (3, 'real or text', 1.0, 'a number', x'0102'),
      (4, 'a space more', 'PV roof', 'text', x'0102'),
      (5, 'lines', 'one' || char(10) || 'two', 'text', x'0102'),
      (8, 'long text', printf('%.300c', 'x'), 'the end differs', x'0102'),
      (9, 'blob', 0, 'of 4 bytes', x'deadbeef'),
      (10, 'long blob', 0, 'of 4,000 bytes', zeroblob(4000));
    INSERT INTO readings SELECT value, 'unchanged ' || value, value, 'the same', NULL FROM
      (WITH RECURSIVE n(value) AS (SELECT 11 UNION ALL SELECT value + 1 FROM n WHERE value < 120) SELECT value FROM n)`,
  changes: `
    UPDATE readings SET value = '' WHERE id = 1;
    UPDATE readings SET value = 1.0 WHERE id = 2;
    UPDATE readings SET value = '1.0' WHERE id = 3;
    UPDATE readings SET value = 'PV  roof' WHERE id = 4;
    UPDATE readings SET value = 'one two' WHERE id = 5;
    UPDATE readings SET value = printf('%.299c', 'x') || 'y' WHERE id = 8;
    UPDATE readings SET raw = x'deadbeee' WHERE id = 9;
    UPDATE readings SET raw = CAST(zeroblob(3999) || x'01' AS BLOB) WHERE id = 10;
    UPDATE readings SET value = -value WHERE id IN (40, 45, 90);
    DELETE FROM readings WHERE id = 91`,
};

const themes = { light: 'Default Light Modern', dark: 'Default Dark Modern' } as const;

// Every test takes pictures to be looked at: DM_SHOTS=/some/folder npm test -- --only e2e --grep review
for (const theme of ['light', 'dark'] as const) {
  describe(`the review of a change, ${theme}`, () => {
    let workbench: Workbench;
    let page: Workbench['page'];
    let folder: string;

    before(async function () {
      this.timeout(120_000);
      folder = path.join(tempDir(), 'review');
      mkdirSync(folder);
      await makeFiles(folder);
      workbench = await openWorkbench(folder, {
        settings: { 'workbench.colorTheme': themes[theme], 'explorer.autoReveal': false },
      });
      page = workbench.page;
      await page.getByRole('treeitem', { name: 'base.sqlite' }).waitFor();
    });

    after(() => workbench?.close());
    afterEach(async function () {
      if (this.currentTest?.state === 'failed') await workbench?.shot(`failed-review-${theme}`);
      await workbench?.runCommand('View: Close All Editors');
    });

    for (const name of Object.keys(changes)) {
      it(`of ${name}: two files selected in the Explorer`, async () => {
        await compare('base', name);
        await workbench.shot(`review-${name}-${theme}`);
        await scrollToEnd();
        await workbench.shot(`review-${name}-${theme}-below`);
      });
    }

    it('of values that look alike', async () => {
      await compare('values-1', 'values-2');
      await scrollToEnd();
      await workbench.shot(`review-values-${theme}`);
    });

    it('with the rows around each change', async () => {
      await compare('values-1', 'values-2');
      const settings = path.join(folder, '.vscode/settings.json');
      mkdirSync(path.dirname(settings));
      writeFileSync(settings, '{"datamanager.diff.contextRows": 2}');
      try {
        // The open documents are made anew.
        await page.getByText('unchanged 43').first().waitFor();
        await scrollToEnd();
        const shown = await page.locator('.multiDiffEntry .modified .view-line').allInnerTexts();
        const lines = shown.map((line) =>
          line
            .replaceAll('\u00a0', ' ')
            .trim()
            .replace(/ {2}.*/, ''),
        );
        for (const line of ['38', '39', '40', '41', '42', '43', '⋯', '88', '90', '92']) assert.ok(lines.includes(line));
        assert.equal(lines.includes('50'), false);
        await workbench.shot(`review-context-${theme}`);
      } finally {
        rmSync(path.dirname(settings), { recursive: true });
      }
    });

    it('page by page: from the summary to a table, and on to its next rows', async () => {
      await compare('base', 'mass-insert');
      const table = page.locator('.multiDiffEntry .modified .detected-link', { hasText: 'prices' });
      await follow(table.first(), /^prices, changed rows 1 to 5,000 of 50,000/);
      await page.locator('.monaco-diff-editor .modified .view-line').first().click();
      await page.keyboard.press('ControlOrMeta+End');
      const link = page.locator('.monaco-diff-editor .modified .detected-link', { hasText: 'rows more' });
      await link.waitFor();
      await page.locator('.notification-toast').waitFor({ state: 'hidden' });
      await page.waitForTimeout(1000);
      await workbench.shot(`review-page-end-${theme}`);
      await follow(link, /^prices, changed rows 5,001 to 10,000/);
      await page.waitForTimeout(1000);
      await workbench.shot(`review-page-next-${theme}`);
    });

    /** Clicks a link until its page is there. A link is one only while Ctrl is held, which the editor learns as the mouse moves. */
    async function follow(link: Locator, tab: RegExp): Promise<void> {
      const opened = page.getByRole('tab', { name: tab });
      for (let tries = 0; tries < 5 && !(await opened.isVisible()); tries++) {
        // Something of the editor, such as the mark of a word, may lie above.
        await link.click({ modifiers: ['ControlOrMeta'], force: true }).catch(() => undefined);
        await opened.waitFor({ timeout: 3000 }).catch(() => undefined);
      }
      await opened.waitFor();
    }

    /** Compares two files of the folder as a person does: both selected, then the context menu. */
    async function compare(older: string, newer: string): Promise<void> {
      const file = (name: string): Locator => page.getByRole('treeitem', { name: `${name}.sqlite` });
      await file(older).click();
      await file(newer).click({ modifiers: ['ControlOrMeta'] });
      await file(newer).click({ button: 'right' });
      const entry = page.getByRole('menuitem', { name: 'Compare Data Files...', exact: true });
      await entry.waitFor();
      await page.waitForTimeout(500);
      await entry.click();
      await page
        .locator('.multiDiffEntry')
        .filter({ hasText: `/${older}.sqlite ↔ ${newer}.sqlite`, visible: true })
        .first()
        .waitFor();
      await page.getByText('Loading...', { exact: true }).waitFor({ state: 'hidden' });
      await page.waitForTimeout(1500);
      await workbench.runCommand('Notifications: Clear All Notifications');
    }

    async function scrollToEnd(): Promise<void> {
      await page.mouse.move(800, 400);
      for (let turn = 0; turn < 12; turn++) await page.mouse.wheel(0, 560);
      await page.waitForTimeout(1000);
    }
  });
}

async function makeFiles(folder: string): Promise<void> {
  const [first] = await writeDemoVersions(path.join(folder, '..', 'demo'));
  const bytes = readFileSync(first);
  const { Database } = await initSqlJs();
  const write = (name: string, from: Uint8Array | null, sql: string): Uint8Array => {
    const database = new Database(from && Uint8Array.from(from)); // it writes into what it is given
    database.exec(sql);
    const made = database.export();
    database.close();
    writeFileSync(path.join(folder, `${name}.sqlite`), made);
    return made;
  };
  write('base', bytes, '');
  for (const [name, sql] of Object.entries(changes)) write(name, bytes, sql);
  write('values-2', write('values-1', null, values.before), values.changes);
}
