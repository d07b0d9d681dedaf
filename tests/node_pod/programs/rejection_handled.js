process.on('unhandledRejection', (e) => { console.log('handled', e.message); process.exitCode = 9; });
Promise.reject(new Error('x'));
