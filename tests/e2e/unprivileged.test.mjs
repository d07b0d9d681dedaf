// Started by an ordinary user: what runs, and that every answer says what was not enforced.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Daemon } from './support/daemon.mjs';

const kUser = 64_321;

let daemon;
before(async () => {
  daemon = await new Daemon().as(kUser).start();
});
after(() => daemon.discard());

async function health() {
  return (await daemon.request('GET', '/health/detailed')).json.sandbox.detail;
}

test('an answer names the limits that health says are not enforced', async () => {
  const { unenforced, privileged } = await health();
  assert.equal(privileged, false);
  assert.ok(unenforced.includes('memory') && unenforced.includes('cpu'), unenforced);

  for (const [lang, code] of [
    ['py', 'print(1)'],
    ['bash', 'echo 1'],
    ['c', '#include <stdio.h>\nint main(void) { puts("1"); }'],
  ]) {
    const { status, json } = await daemon.exec(lang, code);

    assert.deepEqual([status, json.stdout, json.status], [200, '1\n', 'completed'], lang);
    assert.deepEqual(json.unenforced_limits, unenforced, lang);
  }
});

test('so does the last event of a stream', async () => {
  const { unenforced } = await health();
  const body = JSON.stringify({ lang: 'bash', code: 'echo 1' });
  const answer = await daemon.request('POST', '/exec/stream', {
    body,
    headers: { 'Content-Type': 'application/json' },
  });

  const end = /event: end\ndata: (.*)\n/.exec(answer.bytes.toString())[1];

  assert.deepEqual(JSON.parse(end).unenforced_limits, unenforced);
});

test('where everything is enforced an answer says nothing of it', async () => {
  const whole = await new Daemon().start();
  try {
    const facts = (await whole.request('GET', '/health/detailed')).json.sandbox.detail;
    const { json } = await whole.exec('bash', 'echo 1');
    assert.deepEqual(json.unenforced_limits ?? [], facts.unenforced);
    assert.equal('unenforced_limits' in json, facts.unenforced.length > 0);
  } finally {
    await whole.discard();
  }
});
