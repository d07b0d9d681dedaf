// What a service manager is told by the daemon (sd_notify(3)), at a socket of this test's own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { Daemon, eventually } from './support/daemon.mjs';

const listener = path.join(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  'support/notify-socket.py',
);

describe('a service manager', { concurrency: false }, () => {
  const daemon = new Daemon();
  const states = [];
  const beats = []; // when each word of life came
  let manager;

  after(async () => {
    delete process.env.NOTIFY_SOCKET;
    delete process.env.WATCHDOG_USEC;
    await daemon.discard();
    manager.kill();
  });

  const told = (state, since = 0) =>
    eventually(`${state} is told`, () => states.slice(since).some((one) => one.startsWith(state)));

  test('is told READY only when requests are answered', async () => {
    const socket = path.join(daemon.folder, 'notify');
    manager = spawn('/usr/bin/python3', [listener, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = ''; // of a line that has come in part
    manager.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const state of lines) {
        states.push(state);
        if (state === 'WATCHDOG=1') beats.push(performance.now());
      }
    });
    await told('listening');
    process.env.NOTIFY_SOCKET = socket;
    process.env.WATCHDOG_USEC = '400000';

    await daemon.start();
    await told('READY=1');

    assert.equal((await daemon.request('GET', '/health', { key: '' })).status, 200);
    assert.deepEqual(
      states.filter((state) => /STOPPING|RELOADING/.test(state)),
      [],
    );
  });

  test('is told at least twice in its interval that the daemon lives', async () => {
    const before = beats.length;

    await eventually('eleven more beats', () => beats.length >= before + 11);

    // Every 200 ms. A machine that is busy may add to some gaps and hand over what came in them at
    // once: the one in the middle is neither.
    const gaps = beats
      .slice(before + 1)
      .map((time, i) => time - beats[before + i])
      .sort((a, b) => a - b);
    assert.ok(gaps[Math.floor(gaps.length / 2)] > 100, `beats come faster than asked for: ${gaps}`);
  });

  test('is told of a reload and of its end', async () => {
    const since = states.length;

    daemon.signal('SIGHUP');
    await daemon.logged((line) => line.message === 'reloaded');
    await told('RELOADING=1 MONOTONIC_USEC=', since);
    await told('READY=1', since);

    const words = states
      .slice(since)
      .map((state) => state.split(/[ =]/)[0])
      .filter((word) => word !== 'WATCHDOG');
    assert.deepEqual(words, ['RELOADING', 'READY']);
  });

  test('is told of a refused reload, and that the daemon goes on', async () => {
    const since = states.length;
    daemon.configure({ limits: { wal: '1s' } });

    daemon.signal('SIGHUP');
    await daemon.logged((line) => /^reload refused/.test(line.message));

    await told('RELOADING=1', since);
    await told('READY=1', since);
  });

  test('is told STOPPING when it begins to drain', async () => {
    const since = states.length;

    await daemon.stop();

    await told('STOPPING=1', since);
  });
});
