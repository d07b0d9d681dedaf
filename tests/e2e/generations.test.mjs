// The generations of the published client, each with every way that it can bring its key: what
// LibreChat of that time does in a conversation works with no change but the base URL.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { Daemon } from './support/daemon.mjs';

const script = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
                         'support/generation.mjs');
const daemons = {
  keys: new Daemon(),
  // Packages between 3.1.68 and 3.1.84 cannot send a header: their host's network is trusted, and
  // they are taken for the key that the host itself sends.
  trusted: new Daemon({ auth: { trusted_networks: ['127.0.0.1'], trusted_as: 'first' } }),
  open: new Daemon({ auth: { mode: 'none' } }),
};
// One process for each row: the older packages read the daemon's URL when they are loaded.
const rows = [
  ['agents-3.1.63', ['header', 'bearer', 'body'], 'keys'],
  ['agents-3.1.63', ['none'], 'open'],
  ['agents-3.1.77', ['body', 'bodyenv'], 'keys'],
  ['agents-3.1.77', ['header', 'bearer'], 'trusted'],
  ['agents-3.1.77', ['none'], 'open'],
  ['agents', ['header', 'bearer', 'body'], 'keys'],
  ['agents', ['none'], 'open'],
];

async function play(name, auths, daemon) {
  const { stdout } = await promisify(execFile)(process.execPath, [
    script, JSON.stringify({ name, auths, url: daemon.url, key: daemon.key || 'any-key' }),
  ], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

before(() => Promise.all(Object.values(daemons).map((daemon) => daemon.start())));
after(() => Promise.all(Object.values(daemons).map((daemon) => daemon.discard())));

function check(name, facts) {
  assert.match(facts.hello, /stdout:\nhello 42/);
  assert.deepEqual(facts.made, ['data.csv', 'keep.txt']);
  assert.deepEqual(facts.download, { status: 200, body: 'a,b\n1,2\n' });
  assert.deepEqual(facts.oldDownload, { status: 200, body: 'a,b\n1,2\n' });
  assert.equal(facts.fresh, true, 'the summary says that the file is fresh');
  assert.equal(facts.fullId, true, 'the full form gives the id away as old clients read it');
  assert.equal(facts.object, 200);
  assert.match(facts.lines, /stdout:\n2\n/);
  assert.equal(facts.newId, true, 'a changed input has a new id');
  assert.equal(facts.modifiedFrom, true);
  // Old clients would download an unchanged input and show it again.
  assert.equal(facts.keepListed, name === 'agents' ? true : null);
  assert.match(facts.again, /3,4[\s\S]*k/);
  assert.match(facts.failing, /out/);
  assert.match(facts.args, /\['x', 'y z'\]/);
  assert.match(facts.exit3, /out[\s\S]*err/);
  assert.ok(facts.unicode.includes('héllo ✓ 你好 😀'), facts.unicode);
  assert.match(facts.badUtf8.text, /a.*b/);
  assert.notEqual(facts.badUtf8.status, 'error');
  assert.ok(facts.bigOutput > 1000, `${facts.bigOutput} characters of a million`);
  assert.deepEqual(facts.languages.map((text) => /hello from (\w+)/.exec(text)?.[1]), ['py', 'js', 'ts', 'bash']);
  assert.equal(facts.badLanguage, 400);
  assert.deepEqual(facts.readByLibreChat, { status: 200, stdout: 'a,b\n1,2\n' });
  // The oldest package has no such tool.
  if (facts.bashTool !== null) assert.match(facts.bashTool, /\/mnt\/data[\s\S]*data\.csv/);
  else assert.equal(name, 'agents-3.1.63');
  assert.match(facts.slow, /slow done/);
}

describe('a LibreChat of its time', { concurrency: 2 }, () => {
  for (const [name, auths, daemon] of rows) {
    test(`${name} with its key as ${auths.join(', ')}`, async () => {
      const told = await play(name, auths, daemons[daemon]);

      assert.deepEqual(Object.keys(told), auths);
      for (const auth of auths) check(name, told[auth]);
      if (daemon !== 'keys') return;
      for (const auth of auths) assert.deepEqual([told[auth].wrongKey, told[auth].noKey], [401, 401]);
    });
  }
});

test('no key is in any line of the log', () => {
  assert.ok(!daemons.keys.said().includes(daemons.keys.key));
  assert.ok(!daemons.trusted.said().includes(daemons.trusted.key));
});
