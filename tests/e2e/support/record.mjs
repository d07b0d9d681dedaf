// Writes down every exchange of this process with a daemon, whatever client made it, to the file
// PODIUM_E2E_RECORD, a JSON object a line; tests/api/check holds them against the API's document.
// Bytes are copied as they arrive: the streams behave as without it.

import fs from 'node:fs';
import http from 'node:http';

const file = process.env.PODIUM_E2E_RECORD;
const kMaxBody = 4 << 20;
const ports = new Set();

/** Exchanges with the daemon at this port are recorded; tests have other servers too. */
export function recordPort(port) {
  ports.add(String(port));
}

function watch(request, response) {
  const pieces = [];
  const push = response.push;
  response.push = function (piece, ...rest) {
    if (piece) pieces.push(Buffer.from(piece));
    return push.call(this, piece, ...rest);
  };
  response.once('close', () => {
    const body = Buffer.concat(pieces);
    const line = {
      method: request.method,
      target: request.path,
      status: response.statusCode,
      headers: response.headers,
      complete: response.complete,
      body: body.length <= kMaxBody ? body.toString('base64') : null,
    };
    fs.appendFileSync(file, JSON.stringify(line) + '\n');
  });
}

if (file) {
  const emit = http.ClientRequest.prototype.emit;
  http.ClientRequest.prototype.emit = function (name, ...rest) {
    const port = String(this.getHeader('host')).split(':').pop();
    if (name === 'response' && ports.has(port)) watch(this, rest[0]);
    return emit.call(this, name, ...rest);
  };
}

/** What the daemon logged of a request, for those whose bytes were not seen here (podium, C++). */
export function recordLine(line) {
  if (!file || line.message !== 'request' || !line.route || !line.status) return;
  fs.appendFileSync(file, JSON.stringify({ logged: true, method: line.method, route: line.route,
                                           status: line.status }) + '\n');
}
