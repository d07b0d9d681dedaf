const { Worker, isMainThread, parentPort, workerData, threadId } = require('worker_threads');
if (isMainThread) {
  const worker = new Worker(__filename, { workerData: [1, 2, 3] });
  worker.on('message', (m) => console.log('got', m)).on('exit', (c) => console.log('exit', c));
} else {
  parentPort.postMessage({ sum: workerData.reduce((a, b) => a + b), threadId, argv: process.argv.length,
                           cache: Object.keys(require.cache), env: process.env.NODE_OPTIONS });
  process.exit(4);
}
