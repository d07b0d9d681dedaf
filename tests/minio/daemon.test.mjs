// The installed daemon with a real MinIO server as its storage.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon, eventually } from '../e2e/support/daemon.mjs';
import { Stalls } from '../support/stalls.mjs';
import { Store } from './store.mjs';

/** The value of a counter of the storage. */
async function counter(daemon, name) {
  const text = (await daemon.request('GET', '/metrics')).bytes.toString();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
}

const cached = (daemon) => fs.readdirSync(path.join(daemon.stateDir, 'cache'));

describe('files on MinIO', { concurrency: false }, () => {
  const store = new Store();
  let daemon;
  before(async () => {
    await store.start();
    daemon = await new Daemon(store.config()).start();
  });
  after(async () => {
    await daemon.discard();
    await store.discard();
  });

  test('go in, through a run, and out again', async () => {
    const { reference } = await daemon.upload('numbers.csv', '1\n2\n3\n');

    const reply = await daemon.exec(
      'py',
      "n = sum(int(l) for l in open('numbers.csv'))\nopen('sum.txt', 'w').write(str(n))\nprint(n)",
      { files: [reference] },
    );

    assert.equal(reply.json.stdout, '6\n', reply.bytes.toString());
    const [made] = reply.json.files.filter((file) => file.name === 'sum.txt');
    const file = await daemon.request('GET', `/download/${reply.json.session_id}/${made.id}`);
    assert.equal(file.status, 200);
    assert.equal(file.bytes.toString(), '6');
    assert.ok(
      !fs.existsSync(path.join(daemon.stateDir, 'blobs')),
      'nothing is kept by the local storage',
    );
  });

  test('of 30 MB come back byte for byte, and by ranges', async () => {
    const content = randomBytes(30_000_000);
    const { session, id } = await daemon.upload('large.bin', content);

    const whole = await daemon.request('GET', `/download/${session}/${id}`);
    const part = await daemon.request('GET', `/download/${session}/${id}`, {
      headers: { Range: 'bytes=16777000-16778000' },
    });

    assert.ok(whole.bytes.equals(content));
    assert.equal(part.status, 206);
    assert.ok(part.bytes.equals(content.subarray(16777000, 16778001)));
  });

  test('are fetched once for ten runs, at the same time and one after the other', async () => {
    const content = randomBytes(3_000_000);
    const { reference } = await daemon.upload('data.bin', content);
    const received = await counter(daemon, 'podium_store_received_bytes_total');
    const kept = cached(daemon).length;
    const run = () => daemon.exec('bash', 'wc -c < data.bin', { files: [reference] });

    const replies = await Promise.all([1, 2, 3, 4, 5].map(run));
    for (let i = 0; i < 5; ++i) replies.push(await run());

    for (const reply of replies)
      assert.equal(reply.json.stdout, '3000000\n', reply.bytes.toString());
    assert.equal(
      (await counter(daemon, 'podium_store_received_bytes_total')) - received,
      3_000_000,
    );
    assert.equal(cached(daemon).length, kept + 1);
  });

  test('cannot be changed for others by a program that writes to its own', async () => {
    const { reference } = await daemon.upload('shared.txt', 'as uploaded');
    await daemon.exec('bash', 'echo changed > shared.txt', { files: [reference] });

    const reply = await daemon.exec('bash', 'cat shared.txt', { files: [reference] });

    assert.equal(reply.json.stdout, 'as uploaded');
  });

  test('are fetched again when what the cache has was damaged while the daemon was away', async () => {
    const { reference } = await daemon.upload('damaged.txt', 'the right content');
    const before = new Set(cached(daemon));
    await daemon.exec('bash', 'true', { files: [reference] });
    const [name] = cached(daemon).filter((one) => !before.has(one));
    await daemon.stop();
    fs.writeFileSync(path.join(daemon.stateDir, 'cache', name), 'the wrong content');
    await daemon.start();

    const reply = await daemon.exec('bash', 'cat damaged.txt', { files: [reference] });

    assert.equal(reply.json.stdout, 'the right content', reply.bytes.toString());
  });

  for (const size of [1_000, 3_000_000]) {
    test(`are refused when somebody has exchanged them in the store for others of the same size (${size} bytes)`, async () => {
      const objects = path.join(store.folder, 'data', 'podium');
      const uploaded = async (name) => {
        const before = new Set(fs.readdirSync(objects));
        const { reference } = await daemon.upload(name, randomBytes(size));
        const [object] = fs.readdirSync(objects).filter((one) => !before.has(one));
        return { reference, object: path.join(objects, object) };
      };
      const files = [await uploaded('a.bin'), await uploaded('b.bin')];
      const kept = cached(daemon);
      const exchange = async () => {
        await store.kill();
        fs.renameSync(files[0].object, `${objects}/aside`);
        fs.renameSync(files[1].object, files[0].object);
        fs.renameSync(`${objects}/aside`, files[1].object);
        await store.start();
      };
      const run = ({ reference }) => daemon.exec('bash', 'wc -c < *.bin', { files: [reference] });

      await exchange();
      for (const file of files) {
        // Once the store that was away is asked again.
        await eventually('the store is asked again', async () => {
          const before = daemon.log.length;
          const refused = await run(file);
          assert.doesNotMatch(refused.bytes.toString(), new RegExp(`${size}`), 'the program ran');
          assert.match(refused.bytes.toString(), /the storage does not answer as it should/);
          const lines = daemon.log.slice(before).map((line) => JSON.stringify(line));
          return lines.some((line) => line.includes('gave another content than it was given'));
        });
      }
      assert.deepEqual(cached(daemon), kept, 'nothing of it is in the cache');

      await exchange();
      for (const file of files) {
        await eventually('the store is asked again', async () => {
          return (await run(file)).json?.stdout === `${size}\n`;
        });
      }
    });
  }

  test('are gone from the store when they are deleted', async () => {
    const { session, id } = await daemon.upload('gone.txt', 'x');

    const deleted = await daemon.request('DELETE', `/files/${session}/${id}`);

    assert.ok(deleted.status < 300, `${deleted.status}`);
    assert.equal((await daemon.request('GET', `/download/${session}/${id}`)).status, 404);
  });
});

describe('a store that stalls', { concurrency: false }, () => {
  const store = new Store();
  let daemon, reference;
  before(async () => {
    await store.start();
    daemon = await new Daemon(store.config()).start();
    ({ reference } = await daemon.upload('warm.txt', 'warm'));
    await daemon.exec('bash', 'cat warm.txt', { files: [reference] });
    store.freeze();
  });
  after(async () => {
    store.thaw();
    await daemon.discard();
    await store.discard();
  });

  test('holds up nobody who does not need it', async () => {
    const stuck = Array.from({ length: 20 }, (_, n) =>
      daemon.upload(`${n}.txt`, 'x').catch((error) => error),
    );
    const stalls = await Stalls.begin();
    const began = performance.now();

    const replies = await Promise.all(
      Array.from({ length: 8 }, () => daemon.exec('bash', 'echo free')),
    );
    const health = await daemon.request('GET', '/health');
    const took = performance.now() - began;
    const lost = stalls.lost();
    await stalls.end();

    for (const reply of replies) assert.equal(reply.json.stdout, 'free\n');
    assert.equal(health.status, 200);
    assert.ok(took < 2_000 + lost, `${took} ms, ${lost} lost`);
    for (const error of await Promise.all(stuck)) assert.match(String(error), /upload: 503/);
  });

  test('is told by the health check within its bound', async () => {
    const stalls = await Stalls.begin();
    const began = performance.now();

    const health = await daemon.request('GET', '/health/detailed');

    const took = performance.now() - began;
    assert.ok(took < 11_000 + stalls.lost(), `${took} ms`);
    await stalls.end();
    assert.equal(health.status, 503);
    assert.equal(health.json.plugins.objects.status, 'unhealthy');
    assert.match(health.json.plugins.objects.detail.error, /no byte within|no answer/);
  });

  test('still leaves what is in the cache, once it is known to be down', async () => {
    const reply = await daemon.exec('bash', 'cat warm.txt', { files: [reference] });

    assert.equal(reply.json.stdout, 'warm', reply.bytes.toString());
  });

  test('is used again when it is back', async () => {
    store.thaw();

    const uploaded = await eventually('an upload succeeds', () =>
      daemon.upload('back.txt', 'x').catch(() => null),
    );

    assert.ok(uploaded.id);
  });
});

describe('a store that is not there', { concurrency: false }, () => {
  test('lets the daemon start and says what is wrong', async () => {
    const store = await new Store().start();
    const config = store.config();
    await store.kill();
    const daemon = await new Daemon(config).start();
    try {
      const health = await daemon.request('GET', '/health/detailed');
      const reply = await daemon.exec('bash', 'echo without files');

      assert.match(health.json.plugins.objects.detail.error, /nobody listens there/);
      assert.equal(reply.json.stdout, 'without files\n');

      await store.start();
      await eventually('an upload succeeds', () =>
        daemon.upload('late.txt', 'x').catch(() => null),
      );
    } finally {
      await daemon.discard();
      await store.discard();
    }
  });

  test('a wrong secret is told in the log and by the health check, not to clients', async () => {
    const store = await new Store().start();
    const config = store.config();
    process.env.PODIUM_E2E_WRONG_SECRET = 'quite another';
    config.plugins.objects.options.secret_key = { env: 'PODIUM_E2E_WRONG_SECRET' };
    const daemon = await new Daemon(config).start();
    try {
      const health = await daemon.request('GET', '/health/detailed');
      const refused = await daemon.upload('a.txt', 'x').then(
        () => 'stored',
        (error) => String(error),
      );

      assert.match(health.json.plugins.objects.detail.error, /check secret_key/);
      assert.match(refused, /upload: 503/);
      assert.doesNotMatch(refused, /secret|podium-e2e/);
      assert.ok(!daemon.said().includes('quite another'));
    } finally {
      await daemon.discard();
      await store.discard();
    }
  });
});
