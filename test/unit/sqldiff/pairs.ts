/** Pairs of databases, each with a reason to go wrong: what a patch must turn into what. */
export interface Pair {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** Runs on the older database to make the newer one, instead of making that anew. */
  readonly alters?: true;
}

export const pairs: readonly Pair[] = [
  {
    name: 'rows by INTEGER PRIMARY KEY',
    before: "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT); INSERT INTO t VALUES(1,1,'x'),(2,2.0,'y'),(3,NULL,'')",
    after:
      "UPDATE t SET a=2 WHERE id=2; UPDATE t SET a='' WHERE id=3; DELETE FROM t WHERE id=1; INSERT INTO t VALUES(9223372036854775807,9007199254740993,'z')",
    alters: true,
  },
  {
    name: 'composite key in key order, WITHOUT ROWID, NOCASE and DESC',
    before:
      "CREATE TABLE t(v, region TEXT COLLATE NOCASE, year INT, PRIMARY KEY(year DESC, region)) WITHOUT ROWID; INSERT INTO t VALUES(1,'a',1),(2,'B',1),(3,'c',2)",
    after:
      "UPDATE t SET v=20 WHERE region='b'; UPDATE t SET region='A' WHERE region='a'; INSERT INTO t VALUES(4,'D',0)",
    alters: true,
  },
  {
    name: 'unique values that swap, and a chain of them',
    before:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, e TEXT); CREATE UNIQUE INDEX e ON t(lower(e)); INSERT INTO t VALUES(1,'a','p'),(2,'b','q'),(3,'c','r'),(4,'d','s')",
    after: "DELETE FROM t; INSERT INTO t VALUES(1,'b','q'),(2,'a','p'),(3,'d','r'),(5,'c','s')",
    alters: true,
  },
  {
    name: 'no key: duplicates, NULL, 1 and 1.0 and text',
    before:
      "CREATE TABLE t(a, b COLLATE NOCASE); INSERT INTO t VALUES(1,'x'),(1,'x'),(1,'x'),(NULL,NULL),(1.0,'X'),('1','x'),(x'31','x')",
    after:
      "CREATE TABLE t(a, b COLLATE NOCASE); INSERT INTO t VALUES(NULL,NULL),(1.0,'x'),('1','x'),(1,'x'),(x'31','x'),(NULL,NULL),(1,'X')",
  },
  {
    name: 'exact values',
    before: 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)',
    after:
      "INSERT INTO t(v) VALUES(9e999),(-9e999),(0.1),(1e300),(5e-324),(-0.0),(-9223372036854775808),(1e21),('a'||char(0)||'b'),('l1'||char(10)||'l2'||char(13)||'\\n \\r \\0'),(x''),(x'00ff'),(CAST(x'ff61' AS TEXT)),('it''s'),('😀'),(char(65533)),(zeroblob(70000))",
    alters: true,
  },
  {
    name: 'a thousand lines of text',
    before: 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)',
    after:
      "INSERT INTO t(v) SELECT group_concat('line' || value, char(10)) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<3000) SELECT value FROM n)",
    alters: true,
  },
  {
    name: 'names with quotes, spaces, keywords, emoji, other case',
    before: `CREATE TABLE "my ""table"" 😀"("select" INTEGER PRIMARY KEY, "a'b" TEXT); INSERT INTO "my ""table"" 😀" VALUES(1,'x'); CREATE TABLE "Group"(id INTEGER PRIMARY KEY, v); INSERT INTO "Group" VALUES(1,1)`,
    after: `CREATE TABLE "my ""table"" 😀"("select" INTEGER PRIMARY KEY, "a'b" TEXT); INSERT INTO "my ""table"" 😀" VALUES(1,'y'),(2,'z'); CREATE TABLE "group"(ID INTEGER PRIMARY KEY, v); INSERT INTO "group" VALUES(1,2)`,
  },
  {
    name: 'columns added in place',
    before: "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, CHECK(id>0)); INSERT INTO t VALUES(1,'x'),(2,'y')",
    after:
      "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 5; ALTER TABLE t ADD COLUMN d DECIMAL(10,2); UPDATE t SET c='6' WHERE id=2",
    alters: true,
  },
  {
    name: 'a table made anew: columns dropped, reordered, new constraint, NOT NULL without default',
    before:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, c); INSERT INTO t VALUES(1,'x',1,1),(2,'y',2,2); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id>100; END",
    after:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, c, a TEXT UNIQUE CHECK(a<>'x'), n TEXT NOT NULL); INSERT INTO t VALUES(1,1,'y','n1'),(2,2,'z','n2'),(200,3,'q','n3'); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT a, n FROM t; CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE id>100; END",
  },
  {
    name: 'only the definition differs',
    before: 'CREATE TABLE t(id INTEGER PRIMARY KEY, a CHECK(a>1)); INSERT INTO t VALUES(1,2)',
    after: 'CREATE TABLE t(id INTEGER PRIMARY KEY, a CHECK(a>0)) -- relaxed\n; INSERT INTO t VALUES(1,2)',
  },
  {
    name: 'tables, views, indexes and triggers come and go',
    before:
      'CREATE TABLE gone(a); INSERT INTO gone VALUES(1); CREATE INDEX goneIndex ON gone(a); CREATE TABLE stays(a PRIMARY KEY); INSERT INTO stays VALUES(1); CREATE VIEW goneView AS SELECT * FROM gone; CREATE TRIGGER t1 AFTER DELETE ON stays BEGIN INSERT INTO stays VALUES(99); END',
    after:
      'CREATE TABLE came(a, b); INSERT INTO came VALUES(1,2),(1,2); CREATE TABLE stays(a PRIMARY KEY); INSERT INTO stays VALUES(2); CREATE UNIQUE INDEX staysIndex ON stays(a); CREATE VIEW goneView AS SELECT 1; CREATE TRIGGER t2 AFTER INSERT ON stays BEGIN DELETE FROM stays; END',
  },
  {
    name: 'foreign keys, AUTOINCREMENT and generated columns',
    before:
      "CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT, u AS (upper(n)) STORED); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) ON DELETE CASCADE); INSERT INTO p(n) VALUES('a'),('b'); INSERT INTO c VALUES(1,1),(2,2)",
    after: "DELETE FROM p WHERE id=1; UPDATE p SET n='bb' WHERE id=2; INSERT INTO p(n) VALUES('c')",
    alters: true,
  },
  {
    name: 'NULLs in the key',
    before: 'CREATE TABLE t(a, b, v, PRIMARY KEY(a,b)); INSERT INTO t VALUES(NULL,1,1),(1,NULL,1),(1,1,1)',
    after: 'UPDATE t SET v=2; INSERT INTO t VALUES(2,2,2)',
    alters: true,
  },
  {
    name: 'NULLs in the key, more than once',
    before: 'CREATE TABLE t(a, b, v, PRIMARY KEY(a,b)); INSERT INTO t VALUES(NULL,1,1),(NULL,1,2),(1,1,1)',
    after: 'DELETE FROM t WHERE v=2; UPDATE t SET v=5 WHERE a=1',
    alters: true,
  },
  {
    name: 'columns that hide the rowid',
    before: "CREATE TABLE t(rowid TEXT, _rowid_ TEXT); INSERT INTO t VALUES('a','b'),('a','b')",
    after: "DELETE FROM t WHERE oid=1; INSERT INTO t VALUES('c','d')",
    alters: true,
  },
  {
    name: 'another text encoding',
    before:
      "PRAGMA encoding='UTF-16le'; CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('é😀',2),('ﬀ','x'),('b',3)",
    after: "CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('é😀',3),('ﬀ','x'),('c',3)",
  },
  {
    name: 'UTF-16 on both sides',
    before:
      "PRAGMA encoding='UTF-16be'; CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a',1),('é😀',2),('Ā','x'),('ā',3)",
    after: "UPDATE t SET v=v||'!' WHERE id<>'a'; INSERT INTO t VALUES('ÿ', 1); DELETE FROM t WHERE id='Ā'",
    alters: true,
  },
  {
    name: 'a full-text index and its shadow tables',
    before: "CREATE VIRTUAL TABLE f USING fts4(body); INSERT INTO f VALUES('one'),('two')",
    after: "INSERT INTO f VALUES('three')",
    alters: true,
  },
];
