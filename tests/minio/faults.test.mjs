// What clients of the installed daemon see when its MinIO server fails in the middle of something: a clear
// answer, nothing half kept, and a daemon that is well again as soon as the store is.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon, eventually } from '../e2e/support/daemon.mjs';
import { Store } from './store.mjs';

const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const cached = (daemon) => fs.readdirSync(path.join(daemon.stateDir, 'cache'));

async function sent(daemon) {
  const text = (await daemon.request('GET', '/metrics')).bytes.toString();
  return Number(/^podium_store_sent_bytes_total\{[^}]*\} (\S+)$/m.exec(text)?.[1] ?? 0);
}

/** An upload whose sender decides when it goes on. `answer` resolves to {status, text}. */
class SlowUpload {
  constructor(daemon, size) {
    this.head = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n');
    this.tail = Buffer.from('\r\n--b--\r\n');
    this.request = http.request(`${daemon.url}/upload`, {
      method: 'POST', agent: false,
      headers: {
        'X-API-Key': daemon.key, 'Content-Type': 'multipart/form-data; boundary=b',
        'Content-Length': this.head.length + size + this.tail.length,
      },
    });
    this.answer = new Promise((resolve, reject) => {
      this.request.on('response', async (response) => {
        const pieces = [];
        for await (const piece of response) pieces.push(piece);
        resolve({ status: response.statusCode, text: Buffer.concat(pieces).toString() });
      });
      // Told no before it had sent all, it may find the connection closed.
      this.request.on('error', (error) => setTimeout(() => reject(error), 1000));
    });
    this.answer.catch(() => {});
    this.request.write(this.head);
  }

  write(bytes) {
    return new Promise((resolve) => this.request.write(bytes, resolve));
  }

  end() { this.request.end(this.tail); }
}

/** Names of the objects and of the uploads that have begun, as they lie on the server's disk. */
function stored(store) {
  const list = (folder) => fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return list(path.join(store.folder, 'data/podium'));
}

const works = (daemon) => eventually('an upload succeeds', () => daemon.upload('after.txt', 'x').catch(() => null));

async function isHealthy(daemon) {
  await eventually('it is healthy', async () => {
    const health = await daemon.request('GET', '/health/detailed');
    return health.status === 200 && health.json.plugins.objects.status === 'healthy';
  });
}

describe('a MinIO server that is killed', { concurrency: false }, () => {
  const store = new Store();
  let daemon;
  before(async () => {
    await store.start();
    daemon = await new Daemon(store.config({ attempts: 2 })).start();
    await daemon.upload('first.txt', 'makes the bucket');
  });
  after(async () => {
    await daemon.discard();
    await store.discard();
  });

  test('in the middle of an upload: 503 that says whom it lies with, and nothing of it is kept', async () => {
    const before = stored(store), already = await sent(daemon);
    const upload = new SlowUpload(daemon, 80_000_000);
    await upload.write(randomBytes(40_000_000));
    await eventually('a part is at the store', async () => await sent(daemon) > already + 16_000_000);

    await store.kill();
    await upload.write(randomBytes(40_000_000));
    upload.end();
    const answer = await upload.answer;

    assert.equal(answer.status, 503, answer.text);
    assert.match(JSON.parse(answer.text).error, /the storage does not answer as it should; try again later/);
    assert.doesNotMatch(answer.text, /127\.0\.0\.1|podium-e2e|session_id|fileId/);
    assert.equal((await daemon.exec('bash', 'echo well')).json.stdout, 'well\n');
    await store.start();
    assert.deepEqual(stored(store), before, 'nothing half is an object');
    await works(daemon);
    await isHealthy(daemon);
  });

  test('in the middle of a download: the client does not take what it has for the whole', async () => {
    const content = randomBytes(40_000_000);
    const { session, id } = await daemon.upload('large.bin', content);
    const request = http.get(`${daemon.url}/download/${session}/${id}`,
      { agent: false, headers: { 'X-API-Key': daemon.key } });
    const [response] = await once(request, 'response');
    response.pause();  // what has not been read waits at the store, but for some buffers

    await store.kill();
    let got = 0, error = null;
    response.on('data', (piece) => (got += piece.length));
    response.on('error', (why) => (error = why));
    response.resume();
    await new Promise((resolve) => response.once('close', resolve));

    assert.equal(response.statusCode, 200);
    assert.equal(Number(response.headers['content-length']), content.length);
    assert.ok(got < content.length, `${got}`);
    assert.ok(error !== null && !response.complete, 'the client knows that it is cut');
    const line = await daemon.requestLine(response.headers['x-request-id']);
    assert.equal(line.ended_with_error, true, JSON.stringify(line));
    assert.equal(line.client_left, false);
    await store.start();
    await works(daemon);
    const again = await daemon.request('GET', `/download/${session}/${id}`);
    assert.ok(again.bytes.equals(content));
    await isHealthy(daemon);
  });

  test('in the middle of fetching an input: the run is refused, and the next one gets the whole', async () => {
    const content = randomBytes(100_000_000);
    const { reference } = await daemon.upload('input.bin', content);
    const before = cached(daemon).length;
    const run = () => daemon.exec('bash', 'sha256sum < input.bin | cut -c1-8; wc -c < input.bin', { files: [reference] });

    const refused = run();
    await eventually('some of it has been fetched', () => cached(daemon).some((name) => {
      const file = path.join(daemon.stateDir, 'cache', name);
      return name.startsWith('part.') && fs.statSync(file, { throwIfNoEntry: false })?.size > 1_000_000;
    }));
    await store.kill();
    const answer = await refused;

    const told = answer.status === 200 ? answer.json.error : answer.json;
    assert.ok(answer.status === 503 || told, answer.bytes.toString());
    assert.match(answer.bytes.toString(), /the storage does not answer as it should; try again later/);
    assert.doesNotMatch(answer.bytes.toString(), /127\.0\.0\.1|podium-e2e/);
    assert.equal(cached(daemon).length, before, 'nothing half is in the cache');
    await store.start();
    await works(daemon);
    const reply = await run();
    assert.match(reply.json.stdout, /^[0-9a-f]{8}\n100000000\n$/, reply.bytes.toString());
    await isHealthy(daemon);
  });
});

describe('a MinIO server whose disk is full', { concurrency: false }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'podium-minio-small-'));
  const disk = path.join(folder, 'disk');
  const store = new Store();
  let daemon;
  before(async () => {
    const image = path.join(folder, 'image');
    fs.mkdirSync(disk);
    execFileSync('truncate', ['-s', '160M', image]);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', image]);
    execFileSync('mount', ['-o', 'loop', image, disk]);
    store.folder = disk;
    await store.start();
    daemon = await new Daemon(store.config({ attempts: 2 })).start();
  });
  after(async () => {
    await daemon?.discard();
    await store.kill();
    execFileSync('umount', ['-l', disk]);
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('in the middle of an upload: told as such, nothing of it is kept, what fits is taken', async () => {
    const kept = await daemon.upload('kept.txt', 'kept');
    const before = stored(store);

    const refused = await daemon.upload('large.bin', randomBytes(220_000_000)).then(() => 'stored', String);

    assert.match(refused, /upload: 503 .*the storage has no room left/);
    assert.match(refused, /"error_type":"resource_exhausted"/);
    assert.deepEqual(stored(store), before);
    const back = await daemon.request('GET', `/download/${kept.session}/${kept.id}`);
    assert.equal(back.bytes.toString(), 'kept');
    assert.equal((await daemon.exec('bash', 'echo well')).json.stdout, 'well\n');
    await works(daemon);
  });
});

describe('a daemon whose clock is an hour ahead of the store', { concurrency: false }, () => {
  const store = new Store();
  let daemon;
  before(async () => {
    await store.start();
    daemon = new Daemon(store.config());
    // For what is spawned now, which start() does before it waits.
    const skewed = { LD_PRELOAD: faketime, FAKETIME: '+3600s', DONT_FAKE_MONOTONIC: '1' };
    Object.assign(process.env, skewed);
    const starting = daemon.start();
    for (const name of Object.keys(skewed)) delete process.env[name];
    await starting;
  });
  after(async () => {
    await daemon.discard();
    await store.discard();
  });

  test('says so to the operator, and to clients that the storage does not answer', async () => {
    const refused = await daemon.upload('a.txt', 'x').then(() => 'stored', String);
    const health = await daemon.request('GET', '/health/detailed');

    assert.match(refused, /upload: 503 .*the storage does not answer as it should/);
    assert.doesNotMatch(refused, /clock|podium-e2e/);
    assert.equal(health.status, 503);
    assert.match(health.json.plugins.objects.detail.error, /the clocks of this machine and of the store differ too much/);
    await daemon.logged((line) => line.message === 'the storage failed' && /clocks/.test(line.why));
    assert.equal((await daemon.exec('bash', 'echo well')).json.stdout, 'well\n');
  });
});
