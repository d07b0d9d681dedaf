// One call of axios with a time-out, then POST /exec by node-fetch on the same agent: the scene of
// the incident. A process of its own, because it is the process-wide agent that is poisoned.
//
// argv: JSON {url, key, first, seconds}. Prints one line of JSON.

import { channel } from 'node:diagnostics_channel';
import http from 'node:http';

import { FormData, axios, fetch } from './packages.mjs';

const { url, key, first, seconds } = JSON.parse(process.argv[2]);
const headers = { 'X-API-Key': key, 'User-Agent': 'LibreChat/1.0' };
const ports = [];
channel('http.client.request.start').subscribe(({ request }) => {
  const note = (socket) =>
    ports.push({ path: request.path, port: socket.localPort, reused: request.reusedSocket });
  const wait = (socket) =>
    socket.connecting ? socket.once('connect', () => note(socket)) : note(socket);
  if (request.socket) wait(request.socket);
  else request.once('socket', wait);
});

async function upload(options) {
  const form = new FormData();
  const rows = Array.from({ length: 256 }, (_, n) => `${String(n).padStart(5, '0')},x\n`).join('');
  form.append('file', Buffer.from(rows), 'in.csv'); // 2 KB
  const reply = await axios.post(`${url}/upload`, form, {
    headers: { ...form.getHeaders(), ...headers },
    ...options,
  });
  return reply.data;
}

const apart = { httpAgent: new http.Agent({ keepAlive: false }) };
const shared = { headers, timeout: 5000 }; // http.globalAgent, as LibreChat before its own cure

const uploaded = await upload(first === 'upload' ? { timeout: 5000 } : apart);
const session = uploaded.session_id;
const id = uploaded.files[0].fileId;
const json = { 'Content-Type': 'application/json' };
const firstCalls = {
  files: () => axios.get(`${url}/files/${session}?detail=summary`, shared),
  download: () =>
    axios.get(`${url}/download/${session}/${id}`, { ...shared, responseType: 'arraybuffer' }),
  'files-full': () => axios.get(`${url}/files/${session}?detail=full`, shared),
  sessions: () => axios.get(`${url}/sessions/${session}/objects/${id}?kind=user&id=user-1`, shared),
  none: () => {},
  health: () => axios.get(`${url}/health`, shared),
  exec: () =>
    axios.post(
      `${url}/exec`,
      { lang: 'bash', code: 'true' },
      { ...shared, headers: { ...headers, ...json } },
    ),
  upload: () => {},
};
await firstCalls[first]();
const before = ports.at(-1);

const began = performance.now();
const result = { first };
try {
  const reply = await fetch(`${url}/exec`, {
    method: 'POST',
    headers: { ...headers, ...json },
    body: JSON.stringify({
      lang: 'py',
      code: `import time\ntime.sleep(${seconds})\nprint("done", len(open("/mnt/data/in.csv").read()))`,
      files: [{ id, session_id: session, name: 'in.csv' }],
    }),
  });
  result.status = reply.status;
  result.requestId = reply.headers.get('x-request-id');
  result.stdout = (await reply.json()).stdout;
} catch (error) {
  result.error = error.message;
}
result.seconds = (performance.now() - began) / 1000;
const exec = ports.at(-1);
Object.assign(result, { firstPort: before.port, execPort: exec.port, reused: exec.reused });
console.log(JSON.stringify(result));
process.exit(0);
