process.emit('exit', 0);
setTimeout(() => console.log('still here'), 20);
