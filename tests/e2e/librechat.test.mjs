// The published LibreChat client against an installed podiumd: one conversation, in order.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import { openChat, recordWire } from './support/chat.mjs';
import { Daemon } from './support/daemon.mjs';
import { axios } from './support/packages.mjs';

const kId = /^[A-Za-z0-9][A-Za-z0-9_-]{19}[A-Za-z0-9]$/;
const daemon = new Daemon();
const wire = recordWire();
let chat;
let made; // artifact of the call that made the files

const names = (artifact) => artifact.files.map((file) => file.name).sort();
const named = (artifact, name) => artifact.files.find((file) => file.name === name);
const own = () => ({
  headers: { 'X-API-Key': daemon.key },
  httpAgent: new http.Agent(),
  validateStatus: () => true,
});

async function download(session, id) {
  const reply = await axios.get(`${daemon.url}/download/${session}/${id}?kind=user&id=user-1`, {
    ...own(),
    responseType: 'arraybuffer',
    timeout: 15000,
  });
  assert.equal(reply.status, 200);
  return Buffer.from(reply.data);
}

before(async () => {
  await daemon.start();
  chat = await openChat(daemon);
});
after(() => daemon.discard());

describe('the LibreChat client', { concurrency: false }, () => {
  test('gets the output of a program, and a session id of the form it accepts', async () => {
    const { text, artifact } = await chat.python('print("hello", 6*7)');

    assert.match(text, /stdout:\nhello 42/);
    assert.match(artifact.session_id, kId);
  });

  test('gets the files that a program makes, nested ones too', async () => {
    const { artifact } = await chat.python(`
import os, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\0" + bytes([40 * x, 40 * y, 90]) * 1 for y in range(5) for x in [y])
os.makedirs("/mnt/data/pictures")
with open("/mnt/data/pictures/dot.png", "wb") as f:
    f.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 5, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
with open("/mnt/data/squares.csv", "w") as f:
    f.write("n,square\\n" + "".join(f"{n},{n*n}\\n" for n in range(5)))
`);
    made = artifact;

    assert.deepEqual(names(made), ['pictures/dot.png', 'squares.csv']);
    for (const file of made.files) assert.match(file.id, kId);
  });

  test('downloads them by the pair of the file and by that of the answer', async () => {
    const png = named(made, 'pictures/dot.png');
    const csv = named(made, 'squares.csv');

    const picture = await download(png.storage_session_id ?? png.session_id, png.id);
    const table = await download(made.session_id, csv.id);

    assert.equal(picture.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
    assert.equal(table.toString(), 'n,square\n0,0\n1,1\n2,4\n3,9\n4,16\n');
  });

  test('finds a file by each of the ways in which it asks whether the file still lives', async () => {
    const file = named(made, 'squares.csv');
    const session = file.storage_session_id ?? file.session_id;

    const summary = await axios.get(`${daemon.url}/files/${made.session_id}?detail=summary`, own());
    const full = await axios.get(`${daemon.url}/files/${made.session_id}?detail=full`, own());
    const object = await axios.get(
      `${daemon.url}/sessions/${session}/objects/${file.id}?kind=user&id=user-1`,
      own(),
    );

    const listed = summary.data.find((entry) =>
      entry.name.startsWith(`${made.session_id}/${file.id}`),
    );
    assert.ok(
      Math.abs(Date.now() - Date.parse(listed.lastModified)) < 60_000,
      'lastModified is about now',
    );
    const entry = full.data.find((one) => one.metadata['original-filename'] === 'squares.csv');
    assert.equal(entry.name.split('/')[1].split('.')[0], file.id);
    assert.equal(object.status, 200);
    assert.ok(Date.parse(object.data.lastModified) > 0);
  });

  test('gives a later program the files, and a changed one comes back as a new file', async () => {
    const { text, artifact } = await chat.python(`
print(len(open("/mnt/data/squares.csv").readlines()), "lines")
open("/mnt/data/squares.csv", "a").write("5,25\\n")
open("/mnt/data/sum.txt", "w").write("55")
`);

    assert.match(text, /6 lines/);
    const changed = named(artifact, 'squares.csv');
    assert.notEqual(changed.id, named(made, 'squares.csv').id);
    assert.equal(changed.modified_from.id, named(made, 'squares.csv').id);
    assert.ok(names(artifact).includes('sum.txt'));
  });

  test('leaves the file as it was for those who hold the old id', async () => {
    const before = await download(made.session_id, named(made, 'squares.csv').id);

    assert.equal(before.toString().split('\n').length, 7);
  });

  test('sees the change in the program after that', async () => {
    const { text } = await chat.python(
      'print(open("/mnt/data/squares.csv").read().splitlines()[-1])',
    );

    assert.match(text, /stdout:\n5,25/);
  });

  test('passes arguments', async () => {
    const { text } = await chat.python('import sys; print(sys.argv[1:])', ['two words', '-x', '']);

    assert.match(text, /\['two words', '-x', ''\]/);
  });

  test('shows the model the traceback of a program that fails, and what it printed before', async () => {
    const { text } = await chat.python('print("before")\nraise ValueError("boom42")');

    assert.match(text, /before/);
    assert.match(text, /stderr:[\s\S]*ValueError: boom42/);
  });

  test('shows both streams of a script that ends with another code than 0', async () => {
    const { text } = await chat.code('bash', 'echo to-out; echo to-err >&2; exit 3');

    assert.match(text, /to-out/);
    assert.match(text, /to-err/);
  });

  test('is told the exact exit code where it asks for it', async () => {
    const reply = await daemon.exec('bash', 'exit 3');

    assert.equal(reply.status, 200);
    assert.equal(reply.json.code, 3);
    assert.equal(reply.json.status, 'failed');
  });

  test('is refused a language that is not configured, with its name', async () => {
    const reply = await axios.post(`${daemon.url}/exec`, { lang: 'cobol', code: 'x' }, own());

    assert.equal(reply.status, 400);
    assert.equal(reply.data.error, 'Unsupported language: cobol');
    assert.equal(reply.data.error_type, 'validation');
  });

  test('gets characters of every plane and control characters as they were printed', async () => {
    const { text } = await chat.python(
      String.raw`print("h\u00e9llo \u2713 \u4f60\u597d \U0001f600 \x07 \u2028 end")`,
    );

    assert.ok(text.includes('héllo ✓ 你好 😀 \x07 \u2028 end'), JSON.stringify(text));
  });

  test('gets replacement characters for bytes that are no UTF-8', async () => {
    const { text } = await chat.python('import sys; sys.stdout.buffer.write(b"a\\xff\\xfeb\\n")');

    assert.match(text, /a\uFFFD\uFFFDb/);
  });

  test('gets a megabyte of output, of which it shows the model a part', async () => {
    const { text } = await chat.python('print("x" * 1000000)');
    const whole = await daemon.exec('py', 'print("x" * 1000000)');

    assert.ok(text.includes('x'.repeat(100_000)), `${text.length} characters`);
    assert.equal(whole.json.stdout, `${'x'.repeat(1_000_000)}\n`);
  });

  test('gets what is above the limit cut, with a marker', async () => {
    const reply = await daemon.exec('py', 'print("é" * 2000000)');

    const { stdout } = reply.json;
    assert.ok(Buffer.byteLength(stdout) < 1.1 * 2 ** 20, `${Buffer.byteLength(stdout)} bytes`);
    assert.ok(!stdout.includes('\uFFFD'), 'no character is cut in two');
    assert.notEqual(stdout.trimEnd().split('\n').at(-1), 'é', 'the last line is the marker');
    assert.match(stdout.trimEnd().split('\n').at(-1), /cut|truncated|limit/i);
  });

  test('gets back the file that the bash tool writes', async () => {
    const { text, artifact } = await chat.bash(
      'pwd; ls /mnt/data | sort; echo from bash > /mnt/data/b.txt',
    );

    assert.match(text, /\/mnt\/data\n[\s\S]*squares\.csv/);
    const file = named(artifact, 'b.txt');
    assert.equal((await download(artifact.session_id, file.id)).toString(), 'from bash\n');
  });

  test('reads a file of the sandbox as LibreChat does, with a time-out of 15 s', async () => {
    const file = named(made, 'squares.csv');
    const session = file.storage_session_id ?? file.session_id;

    const reply = await axios.post(
      `${daemon.url}/exec`,
      {
        lang: 'bash',
        code: "cat '/mnt/data/squares.csv'",
        session_id: made.session_id,
        files: [
          {
            id: file.id,
            resource_id: 'user-1',
            name: file.name,
            storage_session_id: session,
            kind: 'user',
          },
        ],
      },
      { ...own(), timeout: 15000 },
    );

    assert.match(reply.data.stdout, /^n,square\n0,0\n/);
    assert.ok(
      reply.data.files.some((one) => one.id === file.id && one.inherited === true),
      'a new-style reference is listed as inherited',
    );
  });

  test('gets the answer of a run of 7 s after an axios call with a time-out', async () => {
    await axios.get(`${daemon.url}/files/${made.session_id}?detail=summary`, {
      headers: { 'X-API-Key': daemon.key },
      timeout: 5000,
    });
    wire.length = 0;

    const { text } = await chat.python('import time\ntime.sleep(7)\nprint("slow done")');

    assert.match(text, /slow done/);
    const exec = wire.find((one) => one.path.endsWith('/exec'));
    assert.equal(exec.status, 200);
    assert.equal(exec.headers['transfer-encoding'], 'chunked');
  });

  test('never gets a Keep-Alive header, and a closed connection each time', () => {
    assert.ok(wire.length > 0);
    for (const one of wire) {
      assert.equal(one.headers['keep-alive'], undefined);
      assert.equal(one.headers.connection, 'close');
    }
  });

  test('is refused with a wrong key and with none', async () => {
    const body = { lang: 'py', code: 'print(1)' };

    const wrong = await axios.post(`${daemon.url}/exec`, body, {
      ...own(),
      headers: { 'X-API-Key': `${daemon.key}x` },
    });
    const none = await axios.post(`${daemon.url}/exec`, body, { ...own(), headers: {} });

    assert.equal(wrong.status, 401);
    assert.equal(wrong.data.error_type, 'authentication');
    assert.equal(none.status, 401);
  });

  test('may bring the key as bearer, as ApiKey and in the body', async () => {
    const body = { lang: 'py', code: 'print(1)' };
    const post = (more, headers) =>
      axios.post(`${daemon.url}/exec`, { ...body, ...more }, { ...own(), headers });

    const replies = [
      await post({}, { Authorization: `Bearer ${daemon.key}` }),
      await post({}, { Authorization: `ApiKey ${daemon.key}` }),
      await post({ LIBRECHAT_CODE_API_KEY: daemon.key }, {}),
      await post({ apiKey: daemon.key }, {}),
    ];

    assert.deepEqual(
      replies.map((reply) => reply.data.stdout),
      ['1\n', '1\n', '1\n', '1\n'],
    );
    assert.ok(!daemon.said().includes(daemon.key), 'the key is in no line of the log');
  });
});
