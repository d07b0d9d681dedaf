const { Worker } = require('worker_threads');
const shared = new Int32Array(new SharedArrayBuffer(8));
new Worker('const s = require("worker_threads").workerData; Atomics.store(s, 0, 42); Atomics.notify(s, 0);',
           { eval: true, workerData: shared });
Atomics.wait(shared, 0, 0);
console.log(shared[0]);
