// Ordinary programs of all languages: the sandbox must not stand in their way. Each checks what it
// does itself and prints "ok". PODIUM_ORDINARY_RUNS=1000 makes so many runs of them in all, four at
// a time; otherwise each runs once (Python's in a warm pod and cold).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';

const folder = new URL('./ordinary/', import.meta.url).pathname;
const programs = fs
  .readdirSync(folder)
  .sort()
  .flatMap((file) => {
    const code = fs.readFileSync(path.join(folder, file), 'utf8');
    const language =
      { sh: 'bash', R: 'r' }[path.extname(file).slice(1)] ?? path.extname(file).slice(1);
    const one = { title: file, language, code };
    return language === 'py' ? [one, { title: `${file}, cold`, language: 'cold', code }] : [one];
  });
const runs = Number(process.env.PODIUM_ORDINARY_RUNS ?? 0);
const daemon = new Daemon({
  // Toolchains that a shell script starts are run, not compile, steps.
  limits: { memory: '1GiB', wall: '5m', compile_wall: '5m', cpu: 2 },
  languages: {
    cold: {
      runtimes: ['jobs'],
      source: 'main.py',
      command: ['/usr/bin/python3', '{source}'],
      environment: { MPLBACKEND: 'Agg' },
    },
  },
});

before(() => daemon.start());
after(async () => {
  await daemon.stop();
  await daemon.leavesNothing();
  await daemon.discard();
});

async function check({ title, language, code }) {
  const { status, json } = await daemon.exec(language, code);
  const shown = `${title}: ${JSON.stringify(json).slice(0, 3000)}`;
  assert.equal(status, 200, shown);
  assert.equal(json.status, 'completed', shown);
  assert.match(json.stdout, /(^|\n)ok\s*$/, shown);
  assert.doesNotMatch(json.stdout + json.stderr, /Operation not permitted|EPERM/, shown);
}

describe('ordinary programs', { concurrency: 2 }, () => {
  assert.ok(fs.readdirSync(folder).length >= 40);
  for (const program of programs) test(program.title, () => check(program));
});

if (runs > 0) {
  test(`${runs} runs of them, four at a time`, async () => {
    let next = 0;
    const failures = [];
    const worker = async () => {
      while (next < runs)
        await check(programs[next++ % programs.length]).catch((error) =>
          failures.push(error.message),
        );
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    assert.deepEqual(failures, []);
  });
}
