// podiumd as a user starts it: the installed program, a configuration file, a state directory.
//
// PODIUM_PREFIX names the installation; run-tests sets it. Each Daemon has its own folder under
// /tmp, a free port and a range of sandbox users of its own, so that what it leaves behind can be
// told from everybody else's.

import { spawn, execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { recordLine, recordPort } from './record.mjs';

export const prefix = process.env.PODIUM_PREFIX;
if (!prefix) throw new Error('PODIUM_PREFIX is not set; run the tests with ./run-tests --only e2e');
if (process.getuid() !== 0) throw new Error('these tests start podiumd, which wants root');

let nextUidBase = 1_000_000 + (process.pid % 1000) * 100_000;

/** Waits until `look` returns something true, and returns that; throws after `limitMs`. */
export async function eventually(what, look, limitMs = 60_000) {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export class Daemon {
  /** `config` is merged over what the test needs of the daemon: port, state, log format. */
  constructor(config = {}) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'podium-e2e-'));
    fs.chmodSync(this.folder, 0o755); // the daemon's own account has to pass through
    this.stateDir = path.join(this.folder, 'state');
    this.configFile = path.join(this.folder, 'podium.json');
    this.uidBase = nextUidBase;
    nextUidBase += 20_000;
    this.configure(config);
  }

  configure(config) {
    this.config = {
      listen: { address: '127.0.0.1', port: 0 },
      state_dir: this.stateDir,
      log: { format: 'json' },
      sandbox: { uid_base: this.uidBase },
      ...config,
    };
    fs.writeFileSync(this.configFile, JSON.stringify(this.config, null, 2));
    return this;
  }

  /** It is started by that user, whom nobody has to know: without root. */
  as(uid) {
    this.account = { uid, gid: uid };
    for (const file of [this.folder, this.configFile]) fs.chownSync(file, uid, uid);
    return this;
  }

  /** Starts it and waits until it says that it is ready. */
  async start() {
    this.log = [];
    this.waiting = [];
    this.exit = undefined;
    this.child = spawn(path.join(prefix, 'bin/podiumd'), ['--config', this.configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      ...this.account,
    });
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    process.once('exit', () => this.exit || this.signal('SIGKILL'));
    this.#followLog();
    const ready = await Promise.race([this.logged((line) => line.message === 'ready'), this.ended]);
    if (this.exit) throw new Error(`podiumd ended at its start: ${this.said()}`);
    this.port = ready.port;
    recordPort(this.port);
    this.url = `http://127.0.0.1:${this.port}`;
    this.key = read(path.join(this.stateDir, 'first-key')).trim();
    return this;
  }

  #followLog() {
    let rest = '';
    this.child.stderr.setEncoding('utf8');
    this.child.stderr.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.#take(line);
    });
  }

  #take(text) {
    let line;
    try {
      line = JSON.parse(text);
    } catch {
      line = { message: text }; // of the supervisor or the spawner
    }
    this.log.push(line);
    recordLine(line);
    this.waiting = this.waiting.filter(({ test, resolve }) => {
      if (!test(line)) return true;
      resolve(line);
      return false;
    });
  }

  /** The first line of the log, past or to come, that passes `test`. */
  logged(test, limitMs = 60_000) {
    const past = this.log.find(test);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not logged: ${test}\n${this.said()}`)),
        limitMs,
      );
      this.waiting.push({ test, resolve: (line) => (clearTimeout(timer), resolve(line)) });
    });
  }

  /** The line of the request with that id. */
  requestLine(id) {
    return this.logged((line) => line.message === 'request' && line.request_id === id);
  }

  said() {
    return this.log.map((line) => JSON.stringify(line)).join('\n');
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Ends it in order. One that does not end then is killed, and that is an error. */
  async stop() {
    if (!this.child || this.exit) return this.exit;
    this.signal('SIGTERM');
    let late = false;
    const timer = setTimeout(() => ((late = true), this.signal('SIGKILL')), 60_000);
    await this.ended;
    clearTimeout(timer);
    if (late) throw new Error(`podiumd did not end within 60 s of SIGTERM:\n${this.said()}`);
    return this.exit;
  }

  async kill() {
    this.signal('SIGKILL');
    return this.ended;
  }

  /** After the last stop: removes the folder. */
  async discard() {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Processes of this daemon's sandboxes: they run as users of its range. */
  sandboxProcesses() {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        const uid = Number(/^Uid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
        return uid >= this.uidBase && uid < this.uidBase + 20_000;
      });
  }

  /** Its supervisor and spawner, which name this state directory on their command line. */
  helpers() {
    const own = `--runs=${this.stateDir}/runs`;
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => read(`/proc/${pid}/cmdline`).split('\0').includes(own));
  }

  /** Waits until nothing of it is left: no process, no mount. */
  async leavesNothing() {
    await eventually(
      'no process of its sandboxes is left',
      () => this.sandboxProcesses().length === 0,
    );
    await eventually('its spawner is gone', () => this.helpers().length === 0);
    if (read('/proc/self/mountinfo').includes(this.stateDir)) {
      throw new Error(`mounts were left behind below ${this.stateDir}`);
    }
  }

  // Plain HTTP on a connection of its own, so that no test depends on another's.

  async request(method, target, { headers = {}, body, key = this.key, signal } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}${target}`, {
        method,
        agent: false,
        signal,
        headers: { ...(key ? { 'X-API-Key': key } : {}), ...headers },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(pieces);
          resolve({
            status: response.statusCode,
            headers: response.headers,
            id: response.headers['x-request-id'],
            bytes: text,
            get json() {
              return JSON.parse(text.toString());
            },
          });
        });
      });
      request.end(body);
    });
  }

  exec(lang, code, more = {}, options = {}) {
    return this.request('POST', '/exec', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ lang, code, ...more }),
      ...options,
    });
  }

  /** Uploads one file and returns {session, id, name, reference}. */
  async upload(name, content) {
    const boundary = 'e2e-boundary-7d1f';
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
          'Content-Type: application/octet-stream\r\n\r\n',
      ),
      Buffer.from(content),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const reply = await this.request('POST', '/upload', {
      headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
      body,
    });
    if (reply.status !== 200) throw new Error(`upload: ${reply.status} ${reply.bytes}`);
    const session = reply.json.session_id;
    const id = reply.json.files[0].fileId;
    return { session, id, name, reference: { id, name, session_id: session } };
  }

  async files(session) {
    return (await this.request('GET', `/files/${session}?detail=full`)).json;
  }

  /** Waits until `count` runs are in progress. */
  running(count) {
    return eventually(
      `${count} runs in progress`,
      async () => (await this.request('GET', '/health/detailed')).json.runs?.running === count,
    );
  }

  /** Runs the installed `podium` against this daemon. */
  async podium(args, { input, env = {} } = {}) {
    const child = promisify(execFile)(path.join(prefix, 'bin/podium'), args, {
      env: { PATH: '/usr/bin:/bin', PODIUM_URL: this.url, PODIUM_STATE_DIR: this.stateDir, ...env },
      maxBuffer: 1 << 26,
    });
    child.child.stdin.end(input);
    try {
      return { code: 0, ...(await child) };
    } catch (error) {
      return { code: error.code, stdout: error.stdout, stderr: error.stderr };
    }
  }
}
