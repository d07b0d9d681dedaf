const { execFileSync, spawnSync, fork } = require('child_process');
console.log(execFileSync('/bin/sh', ['-c', 'echo $0 $((6*7)); ls /proc/self/fd']).toString());
console.log(execFileSync(process.execPath, ['-p', 'process.execArgv.length + process.argv.length']).toString());
console.log(spawnSync('/bin/sh', ['-c', 'exit 7']).status);
if (process.argv[2] !== 'child') {
  fork(__filename, ['child']).on('message', (m) => console.log('message', m)).on('exit', (c) => console.log('exit', c));
} else { process.send({ execArgv: process.execArgv }); process.disconnect(); }
