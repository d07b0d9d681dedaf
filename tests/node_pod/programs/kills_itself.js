console.log('to be killed'); process.kill(process.pid, 'SIGKILL');
setInterval(() => {}, 1000);
