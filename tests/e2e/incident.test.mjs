// The incident that Podium was born from: an axios call with a time-out leaves a socket behind on
// which a later /exec by node-fetch is hung up after 5 s. Two cures: connections are closed, so that
// no such socket is used again; and a run that takes long is kept alive by white space.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { Stalls } from '../support/stalls.mjs';
import { Daemon } from './support/daemon.mjs';

const nodeKeepsSockets = Number(process.versions.node.split('.')[0]) >= 20;
const script = path.join(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  'support/scene.mjs',
);

/** Plays the scene in a process of its own. */
async function play(daemon, first, seconds) {
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    JSON.stringify({ url: daemon.url, key: daemon.key, first, seconds }),
  ]);
  return JSON.parse(stdout);
}

describe('the scene of the incident, both cures on', () => {
  const daemon = new Daemon();
  const firsts = ['files', 'files-full', 'download', 'sessions', 'upload', 'health', 'none'];
  const played = {};

  let stalls;
  before(async () => {
    stalls = await Stalls.begin();
    await daemon.start();
    for (const first of firsts) played[first] = play(daemon, first, 10);
  });
  after(async () => {
    await daemon.discard();
    await stalls.end();
  });

  for (const first of firsts) {
    test(`a run of 10 s after axios ${first} is answered, on another connection`, async () => {
      const scene = await played[first];
      assert.equal(scene.error, undefined);
      const line = await daemon.requestLine(scene.requestId);

      assert.equal(scene.stdout, 'done 2048\n');
      const lost = stalls.lost();
      assert.ok(scene.seconds >= 10 && scene.seconds < 15 + lost / 1000, `${scene.seconds} s`);
      assert.notEqual(scene.execPort, scene.firstPort);
      assert.equal(line.client_left, false);
      assert.equal(line.ended_with_error, false);
      assert.equal(line.answer, 'stream');
      assert.ok(line.beats >= 4, `${line.beats} beats`);
      assert.ok(line.first_byte_ms < 4900 + lost, `first byte after ${line.first_byte_ms} ms`);
    });
  }
});

describe('each cure alone, and none', () => {
  // A route that runs code is the first call here: its connection is the one that an operator can
  // switch to being kept.
  const variants = {
    neither: { keepAlive: true, response: 'plain' },
    beats: { keepAlive: true, response: 'beat' },
    closing: { keepAlive: false, response: 'plain' },
  };
  const daemons = {};
  const played = {};
  let stalls;

  before(async () => {
    stalls = await Stalls.begin();
    for (const [name, { keepAlive, response }] of Object.entries(variants)) {
      daemons[name] = await new Daemon({
        http: { keep_alive_exec: keepAlive },
        routes: { '/exec': { response } },
      }).start();
      played[name] = play(daemons[name], 'exec', 7);
    }
  });
  after(async () => {
    await Promise.all(Object.values(daemons).map((daemon) => daemon.discard()));
    await stalls.end();
  });

  test(
    'without both, the client hangs up after 5 s, and the log says that it left',
    { skip: nodeKeepsSockets ? false : 'node below 20 keeps no sockets: there is nothing to show' },
    async () => {
      const scene = await played.neither;
      const lost = stalls.lost() / 1000;
      const line = await daemons.neither.logged((one) => one.route === '/exec' && one.client_left);

      assert.match(scene.error ?? '', /socket hang up/);
      assert.ok(scene.seconds > 4.5 && scene.seconds < 6.5 + lost, `${scene.seconds} s, ${lost} lost`);
      assert.equal(scene.execPort, scene.firstPort);
      assert.equal(line.client_left_during, 'run');
      assert.equal(line.ordinal, 2);
    },
  );

  test('beats alone keep the same connection alive', async () => {
    const scene = await played.beats;

    assert.equal(scene.error, undefined);
    assert.equal(scene.stdout, 'done 2048\n');
    if (nodeKeepsSockets) assert.equal(scene.execPort, scene.firstPort);
  });

  test('closing alone makes it another connection', async () => {
    const scene = await played.closing;

    assert.equal(scene.error, undefined);
    assert.equal(scene.stdout, 'done 2048\n');
    assert.notEqual(scene.execPort, scene.firstPort);
  });
});
