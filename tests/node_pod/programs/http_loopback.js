const http = require('http');
const server = http.createServer((q, s) => s.end('hello ' + q.url)).listen(0, '127.0.0.1', () =>
  http.get({ port: server.address().port, host: '127.0.0.1', path: '/x' }, (r) => r.on('data', (d) => console.log(String(d))).on('end', () => server.close())));
