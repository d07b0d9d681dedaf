// Which of a timer and an immediate comes first is not told when both are set here.
setTimeout(() => { console.log('timeout'); setImmediate(() => console.log('immediate later')); }, 0);
process.nextTick(() => console.log('tick')); Promise.resolve().then(() => console.log('micro')); queueMicrotask(() => console.log('queued'));
console.log('sync');
