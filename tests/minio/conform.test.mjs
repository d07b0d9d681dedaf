// podium-conform over the storage minio with a real server, every case: tests/sdk_package judges it without one.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Store, accessKey, secretKey } from './store.mjs';

describe('the storage minio', { concurrency: false }, () => {
  const store = new Store();
  const prefix = process.env.PODIUM_PREFIX;
  before(() => store.start());
  after(() => store.discard());

  test('keeps its contract, parts included', () => {
    // A beginning of its own for each case, so that each finds an empty storage.
    const options = {
      endpoint: store.endpoint,
      bucket: 'podium-conform',
      create_bucket: 'true',
      prefix: 'conform{tmp}/',
      access_key: accessKey,
      secret_key: secretKey,
    };
    const words = Object.entries(options).flatMap(([name, value]) => [
      '--option',
      `${name}=${value}`,
    ]);

    const done = spawnSync(
      path.join(prefix, 'bin/podium-conform'),
      [...words, '--limit', '120', path.join(prefix, 'lib/podium/plugins/storage/minio.so')],
      { encoding: 'utf8' },
    );

    assert.equal(done.status, 0, done.stdout + done.stderr);
    const skipped = done.stdout.split('\n').filter((line) => line.startsWith('skipped'));
    assert.deepEqual(
      skipped.filter((line) => !/options\/bad_values/.test(line)),
      [],
      done.stdout,
    );
    assert.match(done.stdout, /ok +storage\/parts_again/);
  });
});
