import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitStatements } from './statements.ts'

const cases: [string, string[], string][] = [
  ['', [], ''],
  ['select 1', [], 'select 1'],
  ['select 1;', ['select 1;'], ''],
  [' select 1 ; select\n2;\nselect', ['select 1 ;', 'select\n2;'], 'select'],
  [';;', [], ''],
  ['select \';\' , "a;b", `c;`, [d;];', ['select \';\' , "a;b", `c;`, [d;];'], ''],
  ["select 'it''s; fine';", ["select 'it''s; fine';"], ''],
  ["select 'open;", [], "select 'open;"],
  ['select 1 -- no; end\n;', ['select 1 -- no; end\n;'], ''],
  ['select 1 /* no; end', [], 'select 1 /* no; end'],
  ['-- only a comment;', [], ''],
  [
    'create trigger t after insert on a begin delete from b; delete from c;',
    [],
    'create trigger t after insert on a begin delete from b; delete from c;',
  ],
  [
    'create temp trigger t after insert on a begin delete from b; end; select 1;',
    ['create temp trigger t after insert on a begin delete from b; end;', 'select 1;'],
    '',
  ],
  [
    'create trigger t after insert on a begin update b set c = case d when 1 then 2 end; end;',
    ['create trigger t after insert on a begin update b set c = case d when 1 then 2 end; end;'],
    '',
  ],
  ['create table trigger_log (a); select 1;', ['create table trigger_log (a);', 'select 1;'], ''],
]

for (const [text, statements, rest] of cases) {
  test(`statements of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(splitStatements(text), { statements, rest })
  })
}
