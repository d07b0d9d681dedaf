for (const name of process.eventNames().filter((n) => n !== 'beforeExit')) console.log(name, process.listenerCount(name));
console.log(process.exitCode, typeof process.emit, 'mainModule' in process, module.loaded);
