process.on('beforeExit', (c) => console.log('beforeExit', c, process.listenerCount('exit')));
process.on('exit', () => console.log('one'));
process.once('exit', () => console.log('two'));
process.on('exit', () => require('fs').writeFileSync('/mnt/data/left.txt', 'written at the end'));
