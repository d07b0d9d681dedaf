const child = require('child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
child.unref();
console.log('left behind');
