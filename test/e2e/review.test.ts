import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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

const themes = { light: 'Default Light Modern', dark: 'Default Dark Modern' } as const;

for (const theme of ['light', 'dark'] as const) {
  describe(`the review of a change, ${theme}`, () => {
    let workbench: Workbench;

    before(async function () {
      this.timeout(120_000);
      const folder = path.join(tempDir(), 'review');
      mkdirSync(folder);
      await makeFiles(folder);
      workbench = await openWorkbench(folder, {
        settings: { 'workbench.colorTheme': themes[theme], 'explorer.autoReveal': false },
      });
      await workbench.page.getByRole('treeitem', { name: 'base.sqlite' }).waitFor();
    });

    after(() => workbench?.close());
    afterEach(async function () {
      if (this.currentTest?.state === 'failed') await workbench?.shot(`failed-review-${theme}`);
    });

    for (const name of Object.keys(changes)) {
      it(`of ${name}: two files selected in the Explorer`, async () => {
        const { page } = workbench;
        await page.getByRole('treeitem', { name: 'base.sqlite' }).click();
        await page.getByRole('treeitem', { name: `${name}.sqlite` }).click({ modifiers: ['ControlOrMeta'] });
        await page.getByRole('treeitem', { name: `${name}.sqlite` }).click({ button: 'right' });
        const entry = page.getByRole('menuitem', { name: 'Compare Data Files...', exact: true });
        await entry.waitFor();
        await page.waitForTimeout(500);
        await entry.click();
        await page
          .locator('.multiDiffEntry')
          .filter({ hasText: `Summary base.sqlite ↔ ${name}.sqlite`, visible: true })
          .first()
          .waitFor();
        await page.getByText('Loading...', { exact: true }).waitFor({ state: 'hidden' });
        await page.waitForTimeout(1500);
        await workbench.runCommand('Notifications: Clear All Notifications');
        await workbench.shot(`review-${name}-${theme}`);
        await page.mouse.move(800, 400);
        for (let turn = 0; turn < 12; turn++) await page.mouse.wheel(0, 560);
        await page.waitForTimeout(1000);
        await workbench.shot(`review-${name}-${theme}-below`);
      });
    }
  });
}

async function makeFiles(folder: string): Promise<void> {
  const [first] = await writeDemoVersions(path.join(folder, '..', 'demo'));
  const bytes = readFileSync(first);
  writeFileSync(path.join(folder, 'base.sqlite'), bytes);
  const { Database } = await initSqlJs();
  for (const [name, sql] of Object.entries(changes)) {
    const database = new Database(Uint8Array.from(bytes)); // it writes into what it is given
    database.exec(sql);
    writeFileSync(path.join(folder, `${name}.sqlite`), database.export());
    database.close();
  }
}
