// The TLS listener, by curl and openssl s_client, with certificates made here.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { Daemon, eventually } from './support/daemon.mjs';

const run = promisify(execFile);

function makeCertificate(folder, name) {
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      path.join(folder, 'key.pem'),
      '-out',
      path.join(folder, 'certificate.pem'),
    ],
    { stdio: 'ignore' },
  );
  fs.chmodSync(path.join(folder, 'key.pem'), 0o644); // the daemon's own account reads it
}

describe('the TLS listener', { concurrency: false }, () => {
  const daemon = new Daemon();
  const certificate = path.join(daemon.folder, 'certificate.pem');
  let admin, port;
  const settings = {
    http: { keep_alive_exec: true },
    tls: { port: 0, certificate, key: path.join(daemon.folder, 'key.pem') },
    plugins: {
      beat: { library: 'response/heartbeat', options: { window: '200ms', interval: '300ms' } },
    },
  };
  before(async () => {
    makeCertificate(daemon.folder, 'first');
    daemon.configure(settings);
    await daemon.start();
    admin = fs.readFileSync(`${daemon.stateDir}/admin-key`, 'utf8').trim();
    port = (await daemon.logged((line) => line.message === 'listens with TLS')).port;
  });
  after(() => daemon.discard());

  const curl = (...words) =>
    run('curl', ['-sS', '--cacert', certificate, '-H', `X-API-Key: ${daemon.key}`, ...words]);
  const url = (target) => `https://localhost:${port}${target}`;
  const body = (code) => [
    '-H',
    'Content-Type: application/json',
    '-d',
    JSON.stringify({ lang: 'py', code }),
  ];
  const sclient = (...words) =>
    new Promise((resolve) => {
      const child = execFile(
        'openssl',
        ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', certificate, ...words],
        { timeout: 20_000 },
        (error, stdout, stderr) => resolve(stdout + stderr),
      );
      child.stdin.end('');
    });

  test('answers curl, which trusts the certificate, with HSTS; the plain one sends none', async () => {
    const { stdout } = await curl('-i', url('/ready'));
    const plain = await daemon.request('GET', '/ready');

    assert.match(stdout, /^HTTP\/1\.1 200/);
    assert.match(stdout, /^strict-transport-security: max-age=31536000\r$/im);
    assert.equal(plain.headers['strict-transport-security'], undefined);
  });

  test('opens a WebSocket with HSTS', async () => {
    const head = await new Promise((resolve, reject) => {
      const request = https.request(url('/exec/ws'), {
        ca: fs.readFileSync(certificate),
        agent: false,
        headers: {
          'X-API-Key': daemon.key,
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': 13,
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      });
      request.on('upgrade', (response, socket) => (socket.destroy(), resolve(response)));
      request.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
      request.on('error', reject);
      request.end();
    });

    assert.equal(head.statusCode, 101);
    assert.equal(head.headers['strict-transport-security'], 'max-age=31536000');
  });

  test('speaks TLS 1.2 and 1.3 with HTTP/1.1, and nothing older', async () => {
    assert.match(await sclient('-tls1_3', '-alpn', 'h2,http/1.1'), /ALPN protocol: http\/1\.1/);
    assert.match(await sclient('-tls1_2'), /Protocol *: TLSv1\.2/);
    assert.doesNotMatch(
      await sclient('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'),
      /Cipher is (?!\(NONE\))/,
    );
    assert.match(await sclient(), /Verify return code: 0 \(ok\)/);
  });

  test('runs programs, keeps connections, and takes large uploads and gives large files back', async () => {
    const { stdout } = await curl(url('/exec'), ...body('print(6 * 7)'));
    const file = path.join(daemon.folder, 'large.bin');
    fs.writeFileSync(file, Buffer.alloc(20 << 20, 'podium '));
    const upload = JSON.parse((await curl('-F', `file=@${file}`, url('/upload'))).stdout);
    const back = path.join(daemon.folder, 'back.bin');
    await curl('-o', back, url(`/download/${upload.session_id}/${upload.files[0].fileId}`));
    const twice = await curl('-v', url('/exec'), url('/exec'), ...body('print(1)'));

    assert.equal(JSON.parse(stdout).stdout, '42\n');
    assert.ok(fs.readFileSync(file).equals(fs.readFileSync(back)), 'the file came back changed');
    assert.match(twice.stderr, /Re-using existing connection/);
  });

  test('sends heartbeats while a program runs', async () => {
    const pieces = [];
    await new Promise((resolve, reject) => {
      const request = https.request(
        url('/exec'),
        {
          method: 'POST',
          ca: fs.readFileSync(certificate),
          agent: false,
          headers: { 'X-API-Key': daemon.key, 'Content-Type': 'application/json' },
        },
        (response) => {
          response.on('data', (piece) => pieces.push(piece.toString()));
          response.on('end', resolve);
        },
      );
      request.on('error', reject);
      request.end(
        JSON.stringify({ lang: 'py', code: 'import time; time.sleep(2); print("late")' }),
      );
    });

    // Beats that came before the answer did: a busy machine may hand over several as one piece.
    const beats = pieces.filter((text) => text.trim() === '').join('').length;
    assert.ok(beats >= 3, JSON.stringify(pieces));
    assert.equal(JSON.parse(pieces.join('')).stdout, 'late\n');
  });

  test('notices a client that leaves, with or without a goodbye, and ends its run', async () => {
    for (const leave of [(socket) => socket.end(), (socket) => socket.destroy()]) {
      const socket = tls.connect({
        port,
        host: '127.0.0.1',
        ca: fs.readFileSync(certificate),
        servername: 'localhost',
      });
      await new Promise((resolve, reject) =>
        socket.once('secureConnect', resolve).once('error', reject),
      );
      socket.on('error', () => {});
      const text = JSON.stringify({ lang: 'py', code: 'import time; time.sleep(60)' });
      const id = `leaver-${Math.random().toString(16).slice(2)}`;
      socket.write(
        `POST /exec HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${daemon.key}\r\nX-Request-ID: ${id}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
      await daemon.running(1);

      leave(socket);
      const line = await daemon.requestLine(id);

      assert.equal(line.client_left, true);
      await daemon.running(0);
    }
  });

  test('says to who speaks plain HTTP that it speaks TLS', async () => {
    const { stdout } = await run('curl', ['-sS', `http://127.0.0.1:${port}/ready`]);

    assert.match(stdout, /this port speaks TLS/);
  });

  test('shows a new certificate after a reload, and keeps the old one when the new one is no good', async () => {
    // Trusting others: the file that it would trust is written over below.
    const others = '/etc/ssl/certs/ca-certificates.crt';
    const subject = async () => /^subject=(.*)$/m.exec(await sclient('-CAfile', others))[1];
    const before = await subject();
    makeCertificate(daemon.folder, 'second');
    const good = await daemon.request('POST', '/api/v1/admin/reload', { key: admin });
    await eventually('the second certificate is shown', async () => /second/.test(await subject()));
    fs.writeFileSync(certificate, 'no certificate');
    const bad = await daemon.request('POST', '/api/v1/admin/reload', { key: admin });
    const after = await subject();

    assert.match(before, /first/);
    assert.equal(good.status, 200);
    assert.equal(bad.status, 422);
    assert.match(bad.json.error, /\/tls\/certificate: .*certificate\.pem/);
    assert.match(after, /second/);
    makeCertificate(daemon.folder, 'third');
    const mended = await daemon.request('POST', '/api/v1/admin/reload', { key: admin });
    assert.equal(mended.status, 200);
  });

  test('lets a run finish when the daemon is told to stop', async () => {
    const answer = curl(url('/exec'), ...body('import time; time.sleep(2); print("done")'));
    await daemon.running(1);

    const stopped = daemon.stop();
    const { stdout } = await answer;

    assert.equal(JSON.parse(stdout).stdout, 'done\n');
    assert.equal((await stopped).code, 0);
  });
});
