// SIGHUP and `podium reload`: all or nothing, and nobody's run is disturbed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Daemon } from './support/daemon.mjs';

const python = {
  aliases: ['python'],
  runtimes: ['jobs'],
  source: 'main.py',
  command: ['/usr/bin/python3', '{source}'],
};

describe('a reload', { concurrency: false }, () => {
  const daemon = new Daemon();
  before(() => daemon.start());
  after(() => daemon.discard());

  test('takes over a good file, and the process stays', async () => {
    daemon.configure({
      languages: { py: { ...python, environment: { GREETING: 'hello again' } } },
    });

    const { code, stdout } = await daemon.podium(['reload', '--text']);
    const reply = await daemon.exec('py', 'import os; print(os.environ["GREETING"])');

    assert.equal(code, 0, stdout);
    assert.match(stdout, /^reloaded: podiumd at /);
    assert.equal(reply.json.stdout, 'hello again\n');
  });

  test('refuses a file that is no JSON, says where, and works on by the old one', async () => {
    fs.writeFileSync(daemon.configFile, '{\n  "limits": {"wall": "5s",,}\n}\n');

    const { code, stdout } = await daemon.podium(['reload', '--text']);
    const line = await daemon.logged((one) => /reload refused/.test(one.message));
    const reply = await daemon.exec('py', 'import os; print(os.environ["GREETING"])');

    assert.equal(code, 1);
    assert.match(stdout, /^refused: /);
    assert.ok(line.reason.includes(daemon.configFile), line.reason);
    assert.match(line.reason, /line 2|:2:/);
    assert.equal(reply.json.stdout, 'hello again\n');
  });

  test('refuses an unknown key and names the nearest known one', async () => {
    daemon.configure({ limits: { memry: '64MiB' } });
    daemon.signal('SIGHUP');

    const line = await daemon.logged(
      (one) => /reload refused/.test(one.message) && /memry/.test(one.reason),
    );

    assert.match(line.reason, /memory/);
  });

  test('refuses a plugin that is not there', async () => {
    daemon.configure({ plugins: { more: { library: 'runtime/missing' } } });
    daemon.signal('SIGHUP');

    const line = await daemon.logged(
      (one) => /reload refused/.test(one.message) && /missing/.test(one.reason),
    );

    assert.match(line.reason, /runtime\/missing/);
  });

  test('lets a run in flight finish by the configuration that it began with', async () => {
    daemon.configure({ languages: { py: { ...python, environment: { GREETING: 'first' } } } });
    assert.equal((await daemon.podium(['reload'])).code, 0);
    const running = daemon.exec(
      'py',
      'import os, time; time.sleep(3); print(os.environ["GREETING"])',
    );
    await daemon.running(1);

    daemon.configure({
      languages: { py: { ...python, environment: { GREETING: 'second' } } },
      limits: { wall: '1s' },
    });
    const { code } = await daemon.podium(['reload']);
    const after = await daemon.exec('py', 'import os; print(os.environ["GREETING"])');
    const before = await running;

    assert.equal(code, 0);
    assert.equal(after.json.stdout, 'second\n');
    assert.equal(before.json.stdout, 'first\n');
    assert.equal(before.json.status, 'completed');
  });

  test('says that the port needs a restart, and keeps listening on the old one', async () => {
    daemon.configure({ listen: { address: '127.0.0.1', port: 1 } });
    daemon.signal('SIGHUP');

    const line = await daemon.logged(
      (one) => /needs restart/.test(one.message) && one.key === '/listen/port',
    );
    const reply = await daemon.request('GET', '/ready');

    assert.equal(line.level, 'warning');
    assert.equal(reply.status, 200);
  });
});
