// Keys, quotas, tokens and the audit trail of an installed daemon, by `podium` and over HTTP; and
// what is left of it when its database is not.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon, eventually } from './support/daemon.mjs';

describe('keys', { concurrency: false }, () => {
  const daemon = new Daemon();
  let key;
  before(() => daemon.start());
  after(() => daemon.discard());
  const run = (more = {}) => daemon.exec('bash', 'echo hi', {}, { key, ...more });

  test("are made by podium, which finds the administrator's key by itself", async () => {
    const made = await daemon.podium([
      'keys',
      'create',
      'chat',
      '--name',
      'The chat',
      '--limit',
      'month=2',
      '--text',
    ]);

    assert.equal(made.code, 0, made.stderr);
    key = made.stdout.trim();
    assert.match(key, /^sk-[A-Za-z0-9_-]{32}$/);
    assert.equal(fs.statSync(path.join(daemon.stateDir, 'admin-key')).mode & 0o777, 0o600);
  });

  test('are held to their limits, and told so', async () => {
    const replies = [await run(), await run(), await run()];

    assert.deepEqual(
      replies.map((reply) => reply.status),
      [200, 200, 429],
    );
    assert.equal(replies[0].headers['ratelimit-remaining'], '1');
    assert.equal(replies[2].json.error_type, 'rate_limited');
    assert.equal(String(replies[2].json.retry_after_seconds), replies[2].headers['retry-after']);
  });

  test('keep their counts through a restart, and get new limits without one', async () => {
    await daemon.stop();
    await daemon.start();
    assert.equal((await run()).status, 429);

    const changed = await daemon.podium(['keys', 'change', 'chat', '--limit', 'month=3', '--json']);
    assert.equal(changed.code, 0, changed.stderr);
    assert.equal(JSON.parse(changed.stdout).rate_limits.monthly, 3);
    assert.equal((await run()).status, 200);
    assert.equal((await run()).status, 429);
  });

  test('are disabled and deleted', async () => {
    assert.equal((await daemon.podium(['keys', 'disable', 'chat'])).code, 0);
    assert.equal((await run()).status, 401);
    const list = JSON.parse((await daemon.podium(['keys', '--json'])).stdout);
    assert.deepEqual(
      list.map((one) => [one.id, one.enabled, one.source]),
      [
        ['first', true, 'file'],
        ['chat', false, 'database'],
      ],
    );
    assert.equal((await daemon.podium(['keys', 'delete', 'chat'])).code, 0);
    assert.equal((await daemon.podium(['keys', 'delete', 'chat'])).code, 1);
  });

  test('and what they ran is in the audit trail', async () => {
    const lines = await eventually('the lines are written', async () => {
      const { stdout } = await daemon.podium(['audit', '--principal', 'chat', '--json']);
      const all = JSON.parse(stdout);
      return all.length === 3 && all;
    });

    assert.equal(lines[0].status, 'completed');
    assert.equal(lines[0].code_sha256, crypto.createHash('sha256').update('echo hi').digest('hex'));
    assert.ok(lines[0].limits.wall_ms > 0);
    assert.ok(!daemon.said().includes(key), 'the key is in no line of the log');
  });

  test('and what was done to the key, and a reload, too', async () => {
    daemon.signal('SIGHUP');
    const lines = await eventually('the lines are written', async () => {
      const asked = await daemon.podium(['audit', '--json']);
      const all = JSON.parse(asked.stdout).filter((line) => line.kind === 'admin');
      return all.some((line) => line.principal === 'admin:signal') && all;
    });
    const said = await daemon.podium(['audit', '--principal', 'admin:key', '--text']);

    const actions = lines.map((line) => `${line.action} ${line.target} ${line.status}`);
    assert.ok(actions.includes('key.create chat ok'), actions.join());
    assert.ok(actions.includes('key.delete chat ok'), actions.join());
    assert.ok(actions.includes('reload configuration ok'), actions.join());
    assert.match(said.stdout, /admin:key +key\.delete chat: ok, from 127\.0\.0\.1$/m);
    assert.ok(!JSON.stringify(lines).includes(key));
  });
});

describe('signed tokens', () => {
  const daemon = new Daemon({ auth: { tokens: { keys: 'jwks.json' }, lockout: { failures: 0 } } });
  const pairs = [
    crypto.generateKeyPairSync('ed25519'),
    crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ];
  const write = (keys) =>
    fs.writeFileSync(path.join(daemon.stateDir, 'jwks.json'), JSON.stringify({ keys }));
  const jwk = (n, kid) => ({ ...pairs[n].publicKey.export({ format: 'jwk' }), kid });

  function bearer(n, kid) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const text =
      encode({ alg: n === 0 ? 'EdDSA' : 'RS256', kid }) +
      '.' +
      encode({
        iss: 'librechat',
        aud: 'codeapi',
        sub: 'user-1',
        tenant_id: 'acme',
        iat: now,
        exp: now + 300,
      });
    const signature = crypto.sign(
      n === 0 ? null : 'sha256',
      Buffer.from(text),
      pairs[n].privateKey,
    );
    return {
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${text}.${signature.toString('base64url')}`,
      },
      key: '',
    };
  }

  before(async () => {
    fs.mkdirSync(daemon.stateDir, { recursive: true });
    write([jwk(0, 'ed')]);
    fs.chmodSync(path.join(daemon.stateDir, 'jwks.json'), 0o644);
    await daemon.start();
  });
  after(() => daemon.discard());

  test('are taken by the keys of a JWKS file, which is read again when it changes', async () => {
    const body = JSON.stringify({ lang: 'bash', code: 'echo token' });
    const post = (given) => daemon.request('POST', '/exec', { ...given, body });

    assert.equal((await post(bearer(0, 'ed'))).json.stdout, 'token\n');
    assert.equal((await post(bearer(1, 'rs'))).status, 401);
    write([jwk(1, 'rs')]);
    await eventually(
      'the new key is taken',
      async () => (await post(bearer(1, 'rs'))).status === 200,
    );
    assert.equal((await post(bearer(0, 'ed'))).status, 401);
  });
});

describe('a daemon whose database cannot be used', () => {
  const daemon = new Daemon();
  const file = path.join(daemon.stateDir, 'podium.db');
  after(() => daemon.discard());
  const health = async () => {
    const reply = await daemon.request('GET', '/health/detailed');
    return {
      status: reply.status,
      header: reply.headers['x-health-status'],
      database: reply.json.database,
    };
  };
  const upload = () =>
    daemon.upload('a.txt', 'kept').then(
      (stored) => stored,
      (error) => String(error),
    );

  test('starts degraded, runs programs without files, and heals when it can be', async () => {
    await daemon.start();
    const before = await daemon.upload('a.txt', 'kept');
    await daemon.stop();
    for (const name of ['podium.db-wal', 'podium.db-shm'])
      fs.rmSync(path.join(daemon.stateDir, name), { force: true });
    fs.renameSync(file, `${file}.good`);
    fs.writeFileSync(file, 'x'.repeat(8192));
    const { uid, gid } = fs.statSync(daemon.stateDir);
    fs.chownSync(file, uid, gid);
    await daemon.start();

    assert.equal((await daemon.exec('bash', 'echo works')).json.stdout, 'works\n');
    const sick = await health();
    assert.equal(sick.status, 200);
    assert.equal(sick.header, 'degraded');
    assert.match(JSON.stringify(sick.database), /not an SQLite database/);
    assert.match(await upload(), /503/);
    assert.equal((await daemon.request('GET', '/ready')).status, 200);

    fs.renameSync(`${file}.good`, file);
    await eventually('it is healthy', async () => (await health()).header === undefined);
    const back = await daemon.request('GET', `/download/${before.session}/${before.id}`);
    assert.equal(back.bytes.toString(), 'kept');
  });

  test('waits for another program that has it open at the start, and keeps what it acknowledged', async () => {
    await daemon.stop();
    const locker = spawn(
      '/usr/bin/python3',
      [
        '-c',
        'import sqlite3,sys\nd=sqlite3.connect(sys.argv[1],isolation_level=None)\nd.execute("BEGIN IMMEDIATE")\n' +
          'print("locked",flush=True)\nsys.stdin.read()',
        file,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await new Promise((resolve) => locker.stdout.once('data', resolve));
    await daemon.start();

    const [stored, ran] = await Promise.all([upload(), daemon.exec('bash', 'echo works')]);
    const sick = await health();
    locker.stdin.end();
    await new Promise((resolve) => locker.once('exit', resolve));

    assert.match(stored, /503/);
    assert.equal(ran.json.stdout, 'works\n');
    assert.equal(sick.header, 'degraded');
    assert.match(JSON.stringify(sick.database), /locked/);
    await eventually('it is healthy', async () => (await health()).header === undefined);
    assert.equal(typeof (await upload()), 'object');
  });

  test('lets no other program open it, and writes a copy for those', async () => {
    const count = (name) =>
      spawnSync(
        '/usr/bin/python3',
        [
          '-c',
          'import sqlite3,sys\nprint(sqlite3.connect(sys.argv[1],timeout=0).execute("SELECT count(*) FROM files").fetchone()[0])',
          name,
        ],
        { encoding: 'utf8' },
      );
    const stored = await upload();

    const { stdout } = await daemon.podium(['backup', '--text']);
    const copy = stdout.trim();

    assert.match(count(file).stderr, /database is locked/);
    assert.equal(copy, path.join(daemon.stateDir, 'backup', 'podium.db'));
    assert.ok(Number(count(copy).stdout) >= 2, count(copy).stderr);
    const back = await daemon.request('GET', `/download/${stored.session}/${stored.id}`);
    assert.equal(back.bytes.toString(), 'kept');
  });
});
