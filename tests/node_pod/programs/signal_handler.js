process.on('SIGTERM', (name, n) => { console.log(name, n, new Error('here').stack); clearInterval(timer); });
const timer = setInterval(() => {}, 1000);
process.kill(process.pid, 'SIGTERM');
