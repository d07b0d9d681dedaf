// How long this machine kept everybody waiting, for bounds on time that are themselves a promise:
//
//   const stalls = await Stalls.begin();
//   ...
//   assert.ok(took < 200 + stalls.lost());
//   await stalls.end();
//
// A thread sleeps 5 ms at a time and adds up what came on top. A virtual machine that stood still,
// or whose processors were all taken, shows here; a daemon that is slow by itself does not.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const NAP_NS = 5_000_000n;
const LOST = 0;
const ASLEEP_SINCE = 1;

const watch = `
  const { workerData, parentPort } = require('node:worker_threads');
  const times = new BigInt64Array(workerData);
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (let first = true; ; first = false) {
    const since = process.hrtime.bigint();
    Atomics.store(times, ${ASLEEP_SINCE}, since);
    if (first) parentPort.postMessage('watching');
    Atomics.wait(nothing, 0, 0, 5);
    const late = process.hrtime.bigint() - since - ${NAP_NS}n;
    if (late > 0n) Atomics.add(times, ${LOST}, late);
  }`;

export class Stalls {
  #times = new BigInt64Array(new SharedArrayBuffer(16));
  #watcher = new Worker(watch, { eval: true, workerData: this.#times.buffer });

  /** From now on. */
  static async begin() {
    const stalls = new Stalls();
    await once(stalls.#watcher, 'message');
    stalls.#watcher.unref();
    return stalls;
  }

  /** Milliseconds since the beginning, those of a sleep included that should have ended by now. */
  lost() {
    const since = Atomics.load(this.#times, ASLEEP_SINCE);
    const late = process.hrtime.bigint() - since - NAP_NS;
    const whole = Atomics.load(this.#times, LOST) + (late > 0n ? late : 0n);
    return Number(whole) / 1e6;
  }

  async end() {
    await this.#watcher.terminate();
  }
}
