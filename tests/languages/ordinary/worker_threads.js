const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const ends = [1, 2, 3].map((n) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { n, shared } });
    worker.on('message', resolve).on('error', reject);
  }));
  Promise.all(ends).then((all) => {
    if (all.join() !== '1,4,9' || Atomics.load(shared, 0) !== 3) throw new Error(`${all}`);
    console.log('ok');
  });
} else {
  Atomics.add(workerData.shared, 0, 1);
  parentPort.postMessage(workerData.n ** 2);
}
