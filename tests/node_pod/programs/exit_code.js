process.on('exit', (c) => console.log('exit', c, process.exitCode));
setTimeout(() => process.exit(3), 2);
