process.on('uncaughtException', (e, origin) => { console.log(origin, e.stack); });
setTimeout(() => console.log('lives on'), 5);
throw new Error('caught late');
