// What a run leaves: which files come back, as what, and what is said of those that do not.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';

const daemon = new Daemon({
  limits: { file_size: '1MiB', workspace: '16MiB' },
  outputs: { max_files: 5, max_total: '2MiB', max_depth: 3 },
});

before(() => daemon.start());
after(async () => {
  await daemon.stop();
  await daemon.leavesNothing();
  await daemon.discard();
});

/** New-style references. */
const named = (upload) => ({
  id: upload.id,
  name: upload.name,
  storage_session_id: upload.session,
  resource_id: upload.id,
  kind: 'user',
});
const names = (files) => files.map((file) => file.name).sort();
const said = (json) => JSON.stringify(json.artifact_truncation ?? '');

describe('files that a run leaves', { concurrency: false }, () => {
  for (const [language, code] of Object.entries({
    py: 'import os\nopen("kept", "w").write("new")\nos.symlink("/etc/passwd", "link")\nos.symlink("kept", "alias")\nos.mkfifo("pipe")\nimport socket\nsocket.socket(socket.AF_UNIX).bind("sock")',
    bash: 'echo new > kept; ln -s /etc/passwd link; ln -s kept alias; mkfifo pipe; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'sock\')"',
    c: `#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_un name = {AF_UNIX, "sock"};
  FILE *f = fopen("kept", "w");
  return fputs("new", f) < 0 || fclose(f) || symlink("/etc/passwd", "link") || symlink("kept", "alias") || mkfifo("pipe", 0600) ||
         bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name);
}`,
  })) {
    test(`are regular ones only; links, pipes and sockets are named (${language})`, async () => {
      const { json } = await daemon.exec(language, code);

      assert.equal(json.status, 'completed', JSON.stringify(json));
      assert.deepEqual(names(json.files), ['kept']);
      for (const name of ['link', 'alias', 'pipe', 'sock'])
        assert.match(said(json), new RegExp(`\\b${name}\\b`));
      assert.doesNotMatch(JSON.stringify(json), /root:x:0/);
    });
  }

  for (const [title, language, code] of [
    [
      'Python',
      'py',
      'import os\nopen("changed.txt", "a").write("more")\nos.remove("gone.txt")\nopen("same.txt").read()\nopen("new.txt", "w").write("x")',
    ],
    ['bash', 'bash', 'echo more >> changed.txt; rm gone.txt; cat same.txt; echo x > new.txt'],
    [
      'JavaScript',
      'js',
      'const fs = require("fs"); fs.appendFileSync("changed.txt", "more"); fs.unlinkSync("gone.txt"); fs.readFileSync("same.txt"); fs.writeFileSync("new.txt", "x");',
    ],
  ]) {
    test(`are told apart: changed, gone, unchanged and new (${title})`, async () => {
      const [changed, gone, same] = await Promise.all(
        ['changed.txt', 'gone.txt', 'same.txt'].map((name) =>
          daemon.upload(name, `content of ${name}\n`),
        ),
      );

      const { json } = await daemon.exec(language, code, {
        files: [changed, gone, same].map(named),
      });

      assert.equal(json.status, 'completed', json.stderr);
      const by = Object.fromEntries(json.files.map((file) => [file.name, file]));
      assert.deepEqual(Object.keys(by).sort(), ['changed.txt', 'new.txt', 'same.txt']);
      assert.equal(by['changed.txt'].modified_from.id, changed.id);
      assert.notEqual(by['changed.txt'].id, changed.id);
      assert.equal(by['changed.txt'].inherited, undefined);
      assert.equal(by['new.txt'].modified_from, undefined);
      assert.deepEqual([by['same.txt'].id, by['same.txt'].inherited], [same.id, true]);
      assert.deepEqual(json.deleted_files, ['gone.txt']);
      const old = await daemon.request('GET', `/download/${changed.session}/${changed.id}`);
      assert.equal(old.bytes.toString(), 'content of changed.txt\n'); // as it was uploaded
    });
  }

  test('do not list unchanged inputs of old-style references', async () => {
    const upload = await daemon.upload('same.txt', 'same');

    const { json } = await daemon.exec('bash', 'cat same.txt', { files: [upload.reference] });

    assert.equal(json.stdout, 'same');
    assert.deepEqual(json.files, []);
  });

  test('are bounded in number, and the rest is counted', async () => {
    const { json } = await daemon.exec('bash', 'for i in {1..9}; do echo > f$i; done');

    assert.equal(json.files.length, 5);
    assert.match(said(json), /4 files were left out/);
  });

  test('are bounded in size one by one and together, and named', async () => {
    const { json } = await daemon.exec(
      'bash',
      'for i in 1 2 3; do head -c 900K /dev/zero > f$i; done; truncate -s 1M edge',
    );

    assert.match(said(json), /f3|edge/);
    assert.ok(json.files.length === 2 || json.files.length === 3, JSON.stringify(json));
  });

  test('are bounded in depth, and what lies deeper is named', async () => {
    const { json } = await daemon.exec(
      'bash',
      'mkdir -p a/b/c/d; echo > a/b/kept; echo > a/b/c/d/deep',
    );

    assert.deepEqual(names(json.files), ['a/b/kept']);
    assert.match(said(json), /a\/b\/c/);
  });

  test('do not contain what the compiler made', async () => {
    const { json } = await daemon.exec(
      'f90',
      'module m\nend module\nprogram p\n use m\n print *, "done"\nend program',
    );

    assert.equal(json.status, 'completed', json.stderr);
    assert.deepEqual(json.files, []);
  });
});
