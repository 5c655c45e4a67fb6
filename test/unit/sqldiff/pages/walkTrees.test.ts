import assert from 'node:assert/strict';
import { type WalkedTree, type WalkVisitor, walkTree, walkTrees } from '../../../../src/core/sqldiff/pages/btree';
import { PageFile } from '../../../../src/core/sqldiff/pages/pageFile';
import { makeSqlite } from '../../../support/sqliteFixture';

const rows = (first: number, last: number) =>
  `WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i+2 FROM n WHERE i<${last}) INSERT INTO t SELECT i, hex(i*i) || hex(zeroblob(40)) FROM n`;

const changes: Readonly<Record<string, string>> = {
  nothing: 'SELECT 1',
  'values in place': "UPDATE t SET v='x' || substr(v, 2) WHERE id % 4001 = 3",
  'rows at the end': rows(50_001, 54_001),
  'rows in the middle': rows(10_000, 10_600),
  'rows gone': 'DELETE FROM t WHERE id BETWEEN 9000 AND 15000',
  'nearly all gone': 'DELETE FROM t WHERE id > 50',
  'all pages elsewhere': 'DELETE FROM t WHERE id < 2000; VACUUM',
};

describe('walkTrees', function () {
  this.timeout(20_000);
  for (const form of ['', ' WITHOUT ROWID']) {
    for (const [name, change] of Object.entries(changes)) {
      it(`meets and lists what two walks do${form}: ${name}`, async () => {
        const older = await makeSqlite(
          `PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)${form}; ${rows(1, 40_001)}`,
        );
        const newer = await makeSqlite(change, { from: older });
        let read = 0;
        const open = (path: string) => PageFile.open(path, (bytes) => (read += bytes)) as PageFile;
        const [before, after] = [open(older), open(newer)];
        const isSame = (page: number): boolean => {
          if (page > Math.min(before.pageCount, after.pageCount)) return false;
          const bytes = Buffer.from(before.page(page).subarray(before.pageStart, before.pageStart + 512));
          return bytes.equals(after.page(page).subarray(after.pageStart, after.pageStart + 512));
        };
        const same = new Set<number>();
        for (let page = 1; page <= before.pageCount; page++) if (isSame(page)) same.add(page);
        const wants = (page: number): boolean => !same.has(page);

        read = 0;
        const apart = [before, after].map((file) => {
          const seen = visited(wants);
          return { ...told(walkTree(file, 2, seen.visitor)), entered: seen.entered };
        });
        const readApart = read;
        read = 0;
        const [ours, theirs] = [visited(wants), visited(wants)];
        const both = walkTrees(
          before,
          after,
          { before: 2, after: 2 },
          { before: ours.visitor, after: theirs.visitor, isSame: (page) => same.has(page) },
        );
        assert.deepEqual({ ...told(both.before), entered: ours.entered }, apart[0]);
        assert.deepEqual({ ...told(both.after), entered: theirs.entered }, apart[1]);
        assert.ok(read <= readApart);
        before.close();
        after.close();
      });
    }
  }

  function visited(wants: (page: number) => boolean): { readonly visitor: WalkVisitor; readonly entered: number[] } {
    const entered: number[] = [];
    return { visitor: { enter: (page) => void entered.push(page), wants }, entered };
  }

  function told({ kind, places: { pages, cells } }: WalkedTree) {
    const list = Array.from({ length: pages.length }, (_, i) => [pages.at(i), cells?.at(i)]);
    return { kind, list };
  }
});
