// Parts of the page that need no browser.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const top = path.resolve(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  '../..',
);
const web = path.join(top, 'host/web');
let folder;
const parts = {};

before(async () => {
  const modules = execFileSync(path.join(top, 'packaging/npm-packages'), [web], {
    encoding: 'utf8',
  }).trim();
  const esbuild = createRequire(path.join(modules, 'x'))('esbuild');
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'podium-parts-'));
  for (const name of ['csv', 'events', 'metrics', 'text']) {
    const outfile = path.join(folder, `${name}.mjs`);
    await esbuild.build({
      entryPoints: [path.join(web, 'src', `${name}.ts`)],
      outfile,
      bundle: true,
      format: 'esm',
      nodePaths: [path.join(modules, 'node_modules')],
      logLevel: 'error',
    });
    Object.assign(parts, await import(pathToFileURL(outfile)));
  }
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

function events(chunks) {
  const seen = [];
  const parser = new parts.EventParser((event) => seen.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return seen;
}

test('events are whole wherever the bytes were cut', () => {
  const text =
    'id: 1\nevent: start\ndata: {"run_id":"r"}\n\n: keep-alive\n\n' +
    'id: 2\nevent: stdout\ndata: {"text":"ä: b\\n"}\n\n';
  const whole = events([text]);
  assert.deepEqual(whole, [
    { id: 1, event: 'start', data: { run_id: 'r' } },
    { id: 2, event: 'stdout', data: { text: 'ä: b\n' } },
  ]);
  for (let cut = 1; cut < text.length; cut += 1)
    assert.deepEqual(events([text.slice(0, cut), text.slice(cut)]), whole, `cut at ${cut}`);
  assert.deepEqual(events([...text]), whole);
});

test('an event that did not end is none', () => {
  assert.deepEqual(events(['id: 1\nevent: stdout\ndata: {"text":"x"}\n']), []);
});

test('control and reordering characters are spelled out, letters of all scripts stay', () => {
  assert.equal(
    parts.visible('a\x1b[0m\x00\x7f\x9b\u202e\u2066\ufeff'),
    'a‹ESC›[0m‹NUL›‹U+007F›‹U+009B›‹U+202E›‹U+2066›‹U+FEFF›',
  );
  const kept = 'tab\there\nnäxt ünï 漢字 עברית العربية 👩‍💻 <b>&amp;</b>';
  assert.equal(parts.visible(kept), kept);
});

test('a carriage return begins the line anew, with a line feed it is its end', () => {
  assert.deepEqual(parts.overwrite('one\n10 %', '\r20 %\r30 %'), {
    text: 'one\n30 %',
    held: false,
  });
  assert.deepEqual(parts.overwrite('', 'one\r\ntwo\r'), { text: 'one\ntwo', held: true });
});

test('tables are read with quotes, line feeds in cells and the separator they use', () => {
  assert.deepEqual(parts.parseTable('a,b\r\n"x, ""y""","two\nlines"\r\n', 10), {
    rows: [
      ['a', 'b'],
      ['x, "y"', 'two\nlines'],
    ],
    more: false,
  });
  assert.deepEqual(parts.parseTable('a;b\n1,5;2\n', 10).rows, [
    ['a', 'b'],
    ['1,5', '2'],
  ]);
  assert.deepEqual(parts.parseTable('a\tb\n1\t2', 10).rows, [
    ['a', 'b'],
    ['1', '2'],
  ]);
  assert.deepEqual(parts.parseTable('a\n1\n2\n3\n', 2), { rows: [['a'], ['1']], more: true });
  assert.deepEqual(parts.parseTable('', 2), { rows: [], more: false });
});

test('quantiles are of what came between two readings', () => {
  const text = (counts) =>
    counts
      .map((count, i) => `t_bucket{route="/exec",le="${[0.01, 0.1, '+Inf'][i]}"} ${count}\n`)
      .join('');
  const read = (counts) =>
    parts.buckets(parts.parseMetrics(text(counts)), 't', ({ route }) => route === '/exec');

  const before = read([100, 100, 100]);
  assert.equal(parts.quantile(before, read([100, 100, 100]), 0.5), null);
  assert.equal(parts.quantile(before, read([110, 110, 110]), 0.5), 0.005);
  assert.equal(parts.quantile(before, read([100, 110, 110]), 1), 0.1);
  assert.equal(parts.quantile(before, read([100, 100, 110]), 0.99), 0.1);
});

test('labels of metrics are read with their escapes', () => {
  assert.deepEqual(parts.parseMetrics('# HELP a b\na{x="1,\\"2\\"}",y="\\\\n"} 3\nb 4\n'), [
    { name: 'a', labels: { x: '1,"2"}', y: '\\n' }, value: 3 },
    { name: 'b', labels: {}, value: 4 },
  ]);
});
