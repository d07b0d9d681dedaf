setTimeout(() => console.log('timeout'), 0); setImmediate(() => console.log('immediate later') );
process.nextTick(() => console.log('tick')); Promise.resolve().then(() => console.log('micro')); queueMicrotask(() => console.log('queued'));
console.log('sync');
