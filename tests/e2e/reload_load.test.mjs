// Two hundred reloads, good and bad in turn, below fifty clients: nobody notices.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import { Daemon, eventually } from './support/daemon.mjs';

const python = (greeting) => ({
  aliases: ['python'],
  runtimes: ['pods', 'jobs'],
  source: 'main.py',
  command: ['/usr/bin/python3', '{source}'],
  environment: { GREETING: greeting },
});
const pods = { pods: { library: 'runtime/python-pod', options: { tiers: [''], min: 2, max: 2 } } };
const rss = (pid) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/**
 * How much a line of sizes grows from its first to its last, by the slope in the middle of those
 * between any two: what is lost again and again shows in most of them, a heap that is once larger
 * than before in few.
 */
function steadyGrowth(sizes) {
  const slopes = sizes
    .flatMap((size, a) => sizes.slice(a + 1).map((later, i) => (later - size) / (i + 1)))
    .sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] * (sizes.length - 1);
}

describe('two hundred reloads below fifty clients', { concurrency: false }, () => {
  const daemon = new Daemon({ plugins: pods });
  let admin;
  before(async () => {
    await daemon.start();
    admin = fs.readFileSync(`${daemon.stateDir}/admin-key`, 'utf8').trim();
  });
  after(() => daemon.discard());

  const reload = () => daemon.request('POST', '/api/v1/admin/reload', { key: admin });

  /** Pods that wait, by process id. */
  const waiting = async () => {
    const health = (await daemon.request('GET', '/health/detailed')).json;
    return Object.values(health.plugins.pods.detail.tiers)[0].available;
  };

  test('leave warm pods alone: the same processes wait after a reload', async () => {
    await eventually(
      'two pods wait',
      async () => daemon.sandboxProcesses().length >= 2 && (await waiting()) === 2,
    );
    const processes = daemon.sandboxProcesses().sort();

    daemon.configure({ plugins: pods, languages: { py: python('hello') } });
    const { status, json } = await reload();

    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual(
      json.changes.map(({ key }) => key).filter((key) => !key.startsWith('/languages/py/')),
      [],
    );
    assert.deepEqual(daemon.sandboxProcesses().sort(), processes);
  });

  test('fail no request and take no memory', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
    const failures = [];
    let over = false,
      answered = 0,
      runs = 0;

    const ask = (n) =>
      new Promise((resolve) => {
        const run = n % 10 === 0; // one client in ten runs programs, the others ask for what is cheap
        const request = http.request(`${daemon.url}${run ? '/exec' : '/health/detailed'}`, {
          method: run ? 'POST' : 'GET',
          agent,
          headers: {
            'X-API-Key': daemon.key,
            ...(run ? { 'Content-Type': 'application/json' } : {}),
          },
        });
        request.on('error', (error) => (failures.push(String(error)), resolve()));
        request.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (piece) => (text += piece));
          response.on('error', (error) => (failures.push(String(error)), resolve()));
          response.on('end', () => {
            const good = response.statusCode === 200 && (!run || /hello|again/.test(text));
            if (!good) failures.push(`${response.statusCode} ${text}`);
            answered += 1;
            runs += run ? 1 : 0;
            resolve();
          });
        });
        request.end(
          run
            ? JSON.stringify({ lang: 'py', code: 'import os; print(os.environ["GREETING"])' })
            : undefined,
        );
      });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    const client = async (n) => {
      while (!over) {
        await ask(n);
        await pause();
      }
    };
    const clients = Array.from({ length: 50 }, (_, n) => client(n));

    const results = { 200: 0, 422: 0 };
    const begun = performance.now();
    const sizes = [];
    for (let i = 0; i < 240; i += 1) {
      // What the first forty bring is the size of a daemon that has been reloaded under load.
      if (i >= 40 && i % 10 === 0) sizes.push(rss(daemon.child.pid));
      // Some good ones make a plugin anew, the others share all of them.
      const window = i % 20 === 0 ? `${1000 + i}ms` : '1s';
      daemon.configure({
        plugins: {
          ...pods,
          beat: { library: 'response/heartbeat', options: { window, interval: '2s' } },
        },
        languages: { py: python(i % 4 === 0 ? 'hello' : 'again') },
      });
      if (i % 4 === 1) fs.writeFileSync(daemon.configFile, '{"limits": {"wall": "5s",,}}');
      if (i % 4 === 3)
        daemon.configure({ plugins: { ...pods, more: { library: 'runtime/missing' } } });
      const { status } = await reload();
      if (i >= 40) results[status] = (results[status] ?? 0) + 1;
    }
    const took = performance.now() - begun;
    over = true;
    await Promise.all(clients);
    agent.destroy();
    await eventually('old generations have ended', async () =>
      /^podium_config_generations_left 0$/m.test(
        (await daemon.request('GET', '/metrics')).bytes.toString(),
      ),
    );
    sizes.push(rss(daemon.child.pid));
    const grown = steadyGrowth(sizes);

    console.log(
      `${answered} requests, ${runs} of them runs; 240 reloads in ${(took / 1000).toFixed(1)} s; ` +
        `RSS ${sizes.map((size) => size.toFixed(1)).join(' ')} MiB, grown by ${grown.toFixed(2)}`,
    );
    assert.deepEqual(failures, []);
    assert.deepEqual(results, { 200: 100, 422: 100 });
    assert.ok(answered > 200 && runs > 10, `${answered} requests, ${runs} runs`);
    assert.ok(grown <= 2, `RSS grew by ${grown} MiB: ${sizes}`);
  });
});

describe('a daemon with environment overrides', { concurrency: false }, () => {
  const daemon = new Daemon();
  before(async () => {
    process.env.PODIUM__LIMITS__WALL = '7s';
    process.env.PODIUM__PLUGINS__BEAT__OPTIONS__WINDOW = '900ms';
    try {
      await daemon.start();
    } finally {
      delete process.env.PODIUM__LIMITS__WALL;
      delete process.env.PODIUM__PLUGINS__BEAT__OPTIONS__WINDOW;
    }
  });
  after(() => daemon.discard());

  test('says what was set, without values that may be secrets', async () => {
    const wall = await daemon.logged((line) => line.variable === 'PODIUM__LIMITS__WALL');
    const window = await daemon.logged(
      (line) => line.variable === 'PODIUM__PLUGINS__BEAT__OPTIONS__WINDOW',
    );

    assert.equal(wall.key, '/limits/wall');
    assert.equal(wall.value, '7s');
    assert.equal(window.value, '(hidden)');
  });

  test('shows by podium config diff what a reload would do, and what needs a restart', async () => {
    daemon.configure({
      listen: { address: '127.0.0.1', port: 8129 },
      log: { format: 'json', level: 'debug' },
    });

    const { code, stdout } = await daemon.podium(['config', 'diff', '--text']);
    const other = await daemon.podium(['config', 'diff', '/dev/null', '--text']);
    daemon.configure({});
    const none = await daemon.podium(['config', 'diff', '--text']);

    assert.equal(code, 1);
    assert.match(stdout, /^reload +\/log\/level: "info" → "debug"$/m);
    assert.match(stdout, /^restart +\/listen\/port: 0 → 8129$/m);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /no regular file/);
    assert.equal(none.stdout, 'a reload would change nothing\n');
    assert.equal(none.code, 0);
  });
});
