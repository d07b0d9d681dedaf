// The program `podium` against an installed podiumd.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon } from './support/daemon.mjs';

describe('podium', { concurrency: false }, () => {
  const daemon = new Daemon();
  before(() => daemon.start());
  after(() => daemon.discard());

  const write = (name, text) => {
    const file = path.join(daemon.folder, name);
    fs.writeFileSync(file, text);
    return file;
  };

  test('exec gives a program its files and keeps what it makes', async () => {
    const program = write(
      'double.py',
      `
n = [int(x) for x in open("/mnt/data/numbers.txt")]
open("/mnt/data/out/doubled.txt".replace("out/", ""), "w").write("\\n".join(str(2 * x) for x in n))
print(sum(n))
`,
    );
    const numbers = write('numbers.txt', '1\n2\n3\n');
    const out = path.join(daemon.folder, 'kept');

    const { code, stdout, stderr } = await daemon.podium([
      'exec',
      '--text',
      '--file',
      numbers,
      '--out',
      out,
      program,
    ]);

    assert.equal(code, 0, stderr);
    assert.equal(stdout, '6\n');
    assert.equal(fs.readFileSync(path.join(out, 'doubled.txt'), 'utf8'), '2\n4\n6');
    assert.match(stderr, /saved .*kept\/doubled\.txt/);
    assert.match(stderr, /completed in \d/);
  });

  test('exec prints JSON where its output is no terminal', async () => {
    const { stdout } = await daemon.podium(['exec', '--lang', 'bash', '-'], {
      input: 'echo $((6*7))',
    });

    const result = JSON.parse(stdout);
    assert.equal(result.stdout, '42\n');
    assert.equal(result.status, 'completed');
    assert.match(result.request_id, /^[A-Za-z0-9._-]{1,64}$/);
  });

  test('exec passes arguments and standard input', async () => {
    const program = write('echo.sh', 'echo "$1|$2"; tr a-z A-Z');

    const { stdout } = await daemon.podium(
      ['exec', '--text', '--quiet', '--arg', 'two words', '--arg', '-x', '--stdin', program],
      { input: 'shout\n' },
    );

    assert.equal(stdout, 'two words|-x\nSHOUT\n');
  });

  test('exec ends with the code of the program', async () => {
    const exit = async (script) =>
      (await daemon.podium(['exec', '--text', '--lang', 'bash', '-'], { input: script })).code;

    assert.equal(await exit('exit 3'), 3);
    assert.equal(await exit('kill -KILL $$'), 137);
  });

  test('exec ends with 124 when the time ran out, and keeps what was printed', async () => {
    const { code, stdout } = await daemon.podium(
      ['exec', '--text', '--timeout', '1500ms', '--lang', 'bash', '-'],
      { input: 'echo begun; sleep 60' },
    );

    assert.equal(code, 124);
    assert.equal(stdout, 'begun\n');
  });

  test('exec says what to do about a missing and a wrong key', async () => {
    const none = await daemon.podium(['exec', '--lang', 'bash', '-'], {
      input: 'true',
      env: { PODIUM_STATE_DIR: '/nonexistent' },
    });
    const wrong = await daemon.podium(['exec', '--lang', 'bash', '--key', 'sk-wrong', '-'], {
      input: 'true',
    });

    assert.equal(none.code, 125);
    assert.match(none.stderr, /wants an API key: give --key/);
    assert.equal(wrong.code, 125);
    assert.match(wrong.stderr, /refuses the key from --key/);
  });

  test('exec passes on why podiumd refuses', async () => {
    const { code, stderr } = await daemon.podium(['exec', '--lang', 'cobol', '-'], { input: 'x' });

    assert.equal(code, 125);
    assert.match(stderr, /refused \(400\): Unsupported language: cobol \[request /);
  });

  test('says what to do when nothing listens', async () => {
    const { code, stderr } = await daemon.podium(['status', '--url', 'http://127.0.0.1:9']);

    assert.equal(code, 1);
    assert.match(
      stderr,
      /cannot talk to podiumd at http:\/\/127\.0\.0\.1:9: Connection refused; is it running\?/,
    );
  });

  test('status tells how the parts are', async () => {
    const { code, stdout } = await daemon.podium(['status']);
    const text = await daemon.podium(['status', '--text']);

    const health = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.ok(['healthy', 'degraded'].includes(health.status));
    for (const name of ['jobs', 'files', 'beat', 'plain']) assert.ok(health.plugins[name], name);
    assert.match(text.stdout, /jobs +healthy/);
  });

  test('doctor finds nothing bad on a machine where Podium works', async () => {
    const { code, stdout } = await daemon.podium(['doctor', '--config', daemon.configFile]);

    const { ok, checks } = JSON.parse(stdout);
    assert.equal(code, 0, stdout);
    assert.equal(ok, true);
    const names = checks.map((check) => check.name);
    for (const name of [
      'namespaces',
      'overlay',
      'seccomp',
      'landlock',
      'cgroups',
      'account',
      'state_dir',
      'disk',
      'clock',
      'language py',
      'configuration',
      'daemon',
      'database',
      'plugin jobs',
      'limits',
    ]) {
      assert.ok(names.includes(name), `${name} is missing from ${names}`);
    }
    for (const check of checks)
      assert.equal(check.remedy === '', check.verdict === 'good', check.name);
  });

  test('doctor names what is bad in a configuration', async () => {
    const file = write('bad.json', '{"limits": {"memry": "1GiB"}}');

    const { code, stdout } = await daemon.podium(['doctor', '--config', file]);

    assert.equal(code, 1);
    const configuration = JSON.parse(stdout).checks.find((check) => check.name === 'configuration');
    assert.equal(configuration.verdict, 'bad');
    assert.match(configuration.found, /memry.*memory/);
  });
});
