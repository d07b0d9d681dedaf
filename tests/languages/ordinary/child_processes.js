const { execSync, spawn, fork } = require('child_process');
if (process.argv[2] === 'child') {
  process.on('message', (m) => { process.send(m + 1); process.disconnect(); });
} else {
  if (execSync('seq 3 | wc -l').toString().trim() !== '3') throw new Error('exec');
  const cat = spawn('cat');
  let text = '';
  cat.stdout.on('data', (d) => { text += d; });
  cat.on('close', () => {
    if (text !== 'through') throw new Error(text);
    const child = fork(__filename, ['child']);
    child.on('message', (m) => { if (m !== 42) throw new Error(m); console.log('ok'); });
    child.send(41);
  });
  cat.stdin.end('through');
}
