process.on('exit', () => { process.exitCode = 5; });
throw new Error('then the listener');
