// A real MinIO server for tests and measurements in JavaScript. PODIUM_MINIO names its binary.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export const accessKey = 'podium-e2e';
export const secretKey = 'a secret of the end-to-end tests';

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Store {
  async start() {
    if (!process.env.PODIUM_MINIO)
      throw new Error('PODIUM_MINIO is not set; run ./run-tests --only minio');
    this.folder ??= fs.mkdtempSync(path.join(os.tmpdir(), 'podium-minio-'));
    this.port ??= await freePort();
    this.endpoint = `http://127.0.0.1:${this.port}`;
    this.child = spawn(
      process.env.PODIUM_MINIO,
      ['server', '--quiet', '--address', `127.0.0.1:${this.port}`, path.join(this.folder, 'data')],
      {
        stdio: 'ignore',
        env: {
          HOME: this.folder,
          MINIO_ROOT_USER: accessKey,
          MINIO_ROOT_PASSWORD: secretKey,
          MINIO_BROWSER: 'off',
        },
      },
    );
    this.ended = once(this.child, 'exit');
    const kill = () => this.child.kill('SIGKILL');
    process.once('exit', kill);
    this.child.once('exit', () => process.off('exit', kill));
    for (const end = performance.now() + 60_000; !(await this.#serves()); ) {
      if (performance.now() > end || this.child.exitCode !== null)
        throw new Error('MinIO does not serve');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this;
  }

  #serves() {
    return new Promise((resolve) => {
      const request = http.get(
        `${this.endpoint}/minio/health/cluster`,
        { agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      );
      request.on('error', () => resolve(false));
    });
  }

  /** Stops all its threads: a store that says nothing any more. */
  freeze() {
    this.child.kill('SIGSTOP');
  }
  thaw() {
    this.child.kill('SIGCONT');
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async discard() {
    await this.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** A configuration of the daemon that keeps its files here. */
  config(more = {}) {
    process.env.PODIUM_E2E_STORE_SECRET = secretKey;
    return {
      plugins: {
        files: null, // the default one, which would make its folder
        objects: {
          library: 'storage/minio',
          options: {
            endpoint: this.endpoint,
            bucket: 'podium',
            create_bucket: true,
            access_key: accessKey,
            secret_key: { env: 'PODIUM_E2E_STORE_SECRET' },
            timeout: '2s',
            ...more,
          },
        },
      },
      storage: 'objects',
    };
  }
}
