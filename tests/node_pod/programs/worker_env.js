const { Worker } = require('worker_threads');
new Worker('console.log(process.env, process.execArgv)', { eval: true, env: { A: 'b' } });
