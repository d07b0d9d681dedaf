console.error('error %d', 1); console.warn('warn'); process.stderr.write('raw\n'); console.log(process.stdout.constructor.name);
console.log(process.stdout.isTTY, process.stdout.columns, process.stdout.writableLength, process.stderr.fd);
console.trace('where');
