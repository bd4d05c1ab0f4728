/** The HSQLDB script parser: quoting, escapes, NULL, statements cut anywhere by the stream. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createScriptParser, parseColumns, parseValues } from '../../../../activities/source/hsqldb-script.js';

const SCRIPT = `SET SCHEMA "s"
CREATE MEMORY TABLE "s"."city"("id" INTEGER NOT NULL,"name" VARCHAR(30),"area" DECIMAL(10,4) DEFAULT 0,CONSTRAINT PK PRIMARY KEY("id"))
CREATE CACHED TABLE PLAIN(ID INTEGER,TXT VARCHAR(9))
CREATE INDEX "i" ON "s"."city"("id")
INSERT INTO "city" VALUES(1,'O''Neil, (Jr.)',12.5000)
INSERT INTO "city" VALUES(2,'M\\u00fcnchen',NULL)
INSERT INTO "city" VALUES(3,'',-0.0001)
INSERT INTO "city" VALUES(4,'back\\u005cu0041 \\ and ''''',1E3)
INSERT INTO "other" VALUES(9,'not wanted',1)
INSERT INTO "s"."city" VALUES(5,'two\nlines',TRUE)
INSERT INTO PLAIN VALUES(6,'NULL')
`;

const ROWS = [
  ['city', ['1', "O'Neil, (Jr.)", '12.5000']],
  ['city', ['2', 'München', null]],
  ['city', ['3', '', '-0.0001']],
  ['city', ['4', "back\\u0041 \\ and ''", '1E3']],
  ['city', ['5', 'two\nlines', 'TRUE']],
  ['PLAIN', ['6', 'NULL']],
];

function read(bytes: Buffer, chunkBytes: number): { tables: unknown[]; rows: unknown[] } {
  const tables: unknown[] = [];
  const rows: unknown[] = [];
  const parser = createScriptParser(new Set(['city', 'PLAIN']), {
    onTable: (table, columns) => tables.push([table, columns]),
    onRow: (table, values) => rows.push([table, values]),
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.write(bytes.subarray(at, at + chunkBytes));
  parser.end();
  return { tables, rows };
}

describe('HSQLDB script', () => {
  it('reads wanted tables and rows, wherever the chunks are cut', () => {
    const bytes = Buffer.from(SCRIPT.replace('Neil', 'Nèil'), 'utf8');
    for (const chunkBytes of [1, 2, 3, 7, 64, 10_000]) {
      const { tables, rows } = read(bytes, chunkBytes);
      assert.deepEqual(tables, [
        ['city', ['id', 'name', 'area']],
        ['PLAIN', ['ID', 'TXT']],
      ]);
      assert.deepEqual(rows, JSON.parse(JSON.stringify(ROWS).replace('Neil', 'Nèil')));
    }
  });

  it('reads lines that end with carriage return, and a last line without an end', () => {
    assert.deepEqual(read(Buffer.from(SCRIPT.trimEnd().replaceAll(/\n(?!lines)/g, '\r\n')), 50).rows, ROWS);
  });

  it('refuses a script that ends within a statement, and values it cannot read', () => {
    assert.throws(() => read(Buffer.from(`INSERT INTO "city" VALUES(1,'open`), 9), /ends within: INSERT INTO "city"/);
    assert.throws(() => read(Buffer.from(`INSERT INTO "city" VALUES(1,'a'b)\n`), 9), /cannot read values/);
  });

  it('parses values and columns by themselves', () => {
    assert.deepEqual(parseValues("VALUES('a''b',NULL,3)", 7), ["a'b", null, '3']);
    assert.equal(parseValues("VALUES('a", 7), undefined);
    assert.deepEqual(parseColumns('T("a" DECIMAL(10,4),"b c" INT)', 2), ['a', 'b c']);
  });
});
