// Birth, orderly end, and what is left after a kill.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { Stalls } from '../support/stalls.mjs';
import { Daemon, eventually } from './support/daemon.mjs';

const mode = (file) => fs.statSync(file).mode & 0o777;

function everyFile(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const whole = path.join(folder, entry.name);
    return entry.isDirectory() ? everyFile(whole) : [whole];
  });
}

/** Bytes of the files without a name that a daemon keeps for uploads under way. */
function spooled(daemon) {
  const folder = `/proc/${daemon.child.pid}/fd`;
  let bytes = 0;
  for (const fd of fs.readdirSync(folder)) {
    try {
      const file = fs.readlinkSync(path.join(folder, fd));
      if (!file.startsWith(path.join(daemon.stateDir, 'runs/')) || !file.endsWith('(deleted)')) {
        continue;
      }
      bytes += fs.statSync(path.join(folder, fd)).size;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error; // closed meanwhile
    }
  }
  return bytes;
}

/** Begins an upload and leaves it half done; returns a function that drops the connection. */
function halfUpload(daemon, name) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${daemon.url}/upload`, {
      method: 'POST',
      agent: false,
      headers: {
        'X-API-Key': daemon.key,
        'Content-Type': 'multipart/form-data; boundary=half',
        'Content-Length': 50_000_000,
      },
    });
    request.on('error', () => {});
    request.on('socket', () => {
      request.write(
        `--half\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`,
      );
      request.write('x'.repeat(5_000_000), () => resolve(() => request.destroy()));
    });
    request.once('close', () =>
      reject(new Error('the connection closed before its half was sent')),
    );
  });
}

describe('the first start', { concurrency: false }, () => {
  const daemon = new Daemon();
  after(() => daemon.discard());

  test('makes a key that works, readable for its owner only, and keeps but its digest', async () => {
    await daemon.start();
    const shown = path.join(daemon.stateDir, 'first-key');
    const kept = path.join(daemon.stateDir, 'keys.json');

    const reply = await daemon.exec('bash', 'echo it works');

    assert.match(daemon.key, /^sk-[A-Za-z0-9_-]{32}$/);
    assert.equal(reply.json.stdout, 'it works\n');
    assert.equal(mode(shown), 0o600);
    assert.equal(mode(kept), 0o600);
    assert.equal(mode(daemon.stateDir), 0o700);
    const [entry] = JSON.parse(fs.readFileSync(kept, 'utf8')).keys;
    assert.equal(entry.sha256, createHash('sha256').update(daemon.key).digest('hex'));
  });

  test('says where the key is, but not the key', async () => {
    const line = await daemon.logged((one) => /first API key/.test(one.message));

    assert.equal(line.file, path.join(daemon.stateDir, 'first-key'));
    assert.ok(!daemon.said().includes(daemon.key));
  });

  test('is the only one that makes a key', async () => {
    const key = daemon.key;
    await daemon.stop();

    await daemon.start();

    assert.equal(daemon.key, key);
    assert.equal((await daemon.exec('bash', 'true')).status, 200);
    assert.ok(!daemon.log.some((line) => /first API key/.test(line.message)));
  });
});

describe('A log that nobody reads', { concurrency: false }, () => {
  test('holds up no request, no reload and no end', async () => {
    const daemon = await new Daemon().start();
    daemon.child.stderr.pause();
    for (let n = 0; n < 1500; n++) {
      daemon.signal('SIGUSR1'); // a line by the thread that serves everybody
      if (n % 10 === 0) await daemon.request('GET', '/health');
    }

    const run = await daemon.exec('bash', 'echo still here');
    const reload = await daemon.podium(['reload']);
    const metrics = await daemon.request('GET', '/metrics');
    daemon.signal('SIGTERM');
    const began = performance.now();
    const exit = await daemon.ended;

    assert.equal(run.json.stdout, 'still here\n');
    assert.equal(reload.code, 0, reload.stderr);
    assert.match(metrics.bytes.toString(), /^podium_log_lines_dropped_total 0$/m);
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.ok(performance.now() - began < 20_000);
    daemon.child.stderr.resume();
    await daemon.discard();
  });
});

describe('SIGTERM', { concurrency: false }, () => {
  test('lets runs in flight finish, refuses new ones, ends with 0 and leaves nothing', async () => {
    const daemon = await new Daemon().start();
    const runs = [1, 2, 3].map((n) => daemon.exec('py', `import time; time.sleep(2); print(${n})`));
    await daemon.running(3);

    daemon.signal('SIGTERM');
    const replies = await Promise.all(runs);
    const exit = await daemon.ended;

    assert.deepEqual(
      replies.map((reply) => reply.json.stdout),
      ['1\n', '2\n', '3\n'],
    );
    assert.deepEqual(exit, { code: 0, signal: null });
    await assert.rejects(daemon.request('GET', '/health'), { code: 'ECONNREFUSED' });
    assert.ok(!fs.existsSync(path.join(daemon.stateDir, 'podiumd.pid')));
    await daemon.leavesNothing();
    await daemon.discard();
  });

  test('cancels what has not finished within drain_timeout, and still answers it', async () => {
    const daemon = await new Daemon({ drain_timeout: '1s' }).start();
    const run = daemon.exec('bash', 'echo begun; sleep 600');
    await daemon.running(1);

    daemon.signal('SIGTERM');
    const reply = await run;
    const exit = await daemon.ended;

    assert.equal(reply.json.status, 'cancelled');
    assert.equal(reply.json.stdout, 'begun\n');
    assert.deepEqual(exit, { code: 0, signal: null });
    await daemon.leavesNothing();
    await daemon.discard();
  });

  test('given twice cancels at once', async () => {
    const daemon = await new Daemon().start();
    const run = daemon.exec('bash', 'sleep 600');
    await daemon.running(1);

    daemon.signal('SIGTERM');
    await daemon.logged((line) => line.message === 'stopping');
    daemon.signal('SIGTERM');
    const reply = await run;

    assert.equal(reply.json.status, 'cancelled');
    assert.deepEqual(await daemon.ended, { code: 0, signal: null });
    await daemon.discard();
  });
});

describe('kill -9 in the middle', { concurrency: false }, () => {
  const daemon = new Daemon();
  let acknowledged;
  after(() => daemon.discard());

  // Files of the upload that is cut off: nothing else here is as large.
  const pieces = () =>
    everyFile(daemon.stateDir)
      .filter((file) => !/podium\.db/.test(file))
      .filter((file) => fs.statSync(file).size >= 100_000);

  test('takes every process of its sandboxes along', async () => {
    await daemon.start();
    acknowledged = await daemon.upload('kept.csv', 'a,b\n1,2\n');
    const dropUpload = await halfUpload(daemon, 'half.bin');
    const run = daemon.exec(
      'bash',
      'echo half > /mnt/data/half.txt; setsid sleep 600 & sleep 600',
      { files: [acknowledged.reference], session_id: acknowledged.session },
    );
    run.catch(() => {});
    await daemon.running(1);
    await eventually('a piece of the upload is on disk', () => spooled(daemon) >= 100_000);
    assert.deepEqual(pieces(), [], 'it has no name that could be left');
    assert.ok(daemon.sandboxProcesses().length > 0);

    await daemon.kill();
    dropUpload();

    await assert.rejects(run, /hang up|ECONNRESET|aborted/);
    await daemon.leavesNothing();
  });

  test('shows after a restart what was acknowledged, and no half file', async () => {
    await daemon.start();

    const listed = await daemon.files(acknowledged.session);
    const content = await daemon.request(
      'GET',
      `/download/${acknowledged.session}/${acknowledged.id}`,
    );

    assert.deepEqual(
      listed.map((file) => file.metadata['original-filename']),
      ['kept.csv'],
    );
    assert.equal(content.bytes.toString(), 'a,b\n1,2\n');
    assert.equal((await daemon.exec('bash', 'echo works')).json.stdout, 'works\n');
  });

  test('leaves no folder of a run and no half-written blob', async () => {
    assert.deepEqual(fs.readdirSync(path.join(daemon.stateDir, 'runs')), []);
    assert.deepEqual(pieces(), []);
  });
});

describe('a client that leaves', { concurrency: false }, () => {
  const daemon = new Daemon();
  after(() => daemon.discard());

  test('ends its run within 200 ms, and the log says so', async () => {
    await daemon.start();
    const leave = new AbortController();
    const run = daemon.exec('bash', 'sleep 600', {}, { signal: leave.signal });
    await daemon.running(1);

    const stalls = await Stalls.begin();
    const left = performance.now();
    leave.abort();
    await assert.rejects(run);
    const line = await daemon.logged((one) => one.route === '/exec');
    const took = performance.now() - left;
    const lost = stalls.lost();
    await stalls.end();

    assert.equal(line.client_left, true);
    assert.equal(line.client_left_during, 'run');
    assert.ok(took < 1000 + lost, `${took} ms until the line, ${lost} lost`);
    const ended = line.total_ms - line.client_left_ms;
    assert.ok(ended < 200 + lost, `${JSON.stringify(line)}, ${lost} ms lost`);
    assert.equal((await daemon.request('GET', '/health/detailed')).json.runs.running, 0);
  });
});
