// All thirteen languages on an installed podiumd, with the configuration that it has by default.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { openChat } from '../e2e/support/chat.mjs';
import { Daemon } from '../e2e/support/daemon.mjs';
import { kAliases, kInput, kPrograms } from './programs.mjs';

const daemon = new Daemon();
let input;

before(async () => {
  await daemon.start();
  input = await daemon.upload('in.txt', kInput);
});
after(async () => {
  await daemon.stop();
  await daemon.leavesNothing();
  await daemon.discard();
});

for (const [name, program] of Object.entries(kPrograms)) {
  describe(`language ${name}`, { concurrency: false }, () => {
    test('prints, takes arguments and standard input, reads a file and leaves one', async () => {
      const { json } = await daemon.exec(name, program.whole, {
        args: ['a b', 'ç'],
        stdin: 'line of input\n',
        files: [input.reference],
      });

      const lines = (json.stdout ?? JSON.stringify(json)).split('\n').map((line) => line.trimEnd());
      assert.equal(lines[0], `hello from ${name} ✓`, json.stderr);
      assert.equal(lines[1], 'args a b|ç');
      assert.equal(lines[2], 'stdin line of input');
      assert.equal(json.status, 'completed', json.stderr);
      assert.equal(json.stderr, '');
      assert.deepEqual(
        json.files.map((file) => file.name),
        ['out.txt'],
      );
      const made = await daemon.request('GET', `/download/${json.session_id}/${json.files[0].id}`);
      assert.equal(made.bytes.toString(), kInput.toUpperCase());
    });

    test('tells a failure with what the program said before and of it', async () => {
      const { json } = await daemon.exec(name, program.fails);

      assert.equal(json.status, program.status ?? 'failed', json.stderr);
      assert.equal(json.stdout, 'before\n');
      assert.match(json.stderr, program.says);
      assert.ok(json.stderr.trimEnd().endsWith(json.message), json.stderr);
    });

    // Scripts are not compiled.
    if (program.broken)
      test('tells what cannot be compiled as such', async () => {
        const { json } = await daemon.exec(name, program.broken);

        assert.equal(json.status, 'compile_error', json.stderr);
        assert.match(json.stderr, program.explains);
        assert.match(
          json.message,
          /^The program could not be compiled: the compiler exited with code \d+/,
        );
        assert.equal(json.stdout, '');
        assert.deepEqual(json.files, []);
      });
  });
}

describe('languages', { concurrency: false }, () => {
  test('are known by the aliases of the contract, in either case', async () => {
    for (const [alias, name] of Object.entries(kAliases)) {
      const { json } = await daemon.exec(alias, kPrograms[name].fails);
      assert.equal(json.stdout, 'before\n', alias);
    }
  });

  test('are listed by podium languages, all of them usable, with their versions', async () => {
    const { stdout } = await daemon.podium(['languages', '--json', '--config', daemon.configFile]);

    const { languages } = JSON.parse(stdout);
    assert.deepEqual(
      languages.map((language) => language.name).sort(),
      Object.keys(kPrograms).sort(),
    );
    for (const language of languages) {
      assert.equal(language.usable, true, JSON.stringify(language));
      assert.match(language.version, /^\d+(\.\d+)+$/, language.name);
    }
  });

  test('name only Debian packages that packaging/debian-packages.txt installs', async () => {
    const top = path.resolve(
      import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
      '../..',
    );
    const installed = new Set(
      fs.readFileSync(path.join(top, 'packaging/debian-packages.txt'), 'utf8').split('\n'),
    );
    const { stdout } = await daemon.podium(['languages', '--json', '--config', daemon.configFile]);

    for (const language of JSON.parse(stdout).languages) {
      for (const name of language.packages)
        assert.ok(installed.has(name), `${language.name}: ${name}`);
    }
  });

  test('find the class to start in Java code of several types and a package', async () => {
    const { json } = await daemon.exec(
      'java',
      `
package some.where; // class Comment { }
interface Shape { String name(); }
enum Kind implements Shape { ROUND }
class Helper { String text = "public class Wrong { void main( }"; }
class Start { public static void main(String[] args) { System.out.println(Kind.ROUND.name()); } }
`,
    );

    assert.equal(json.stdout, 'ROUND\n', json.stderr);
  });

  test('that make nothing to start are told to have no main program', async () => {
    const { json } = await daemon.exec('go', 'package library\nfunc F() int { return 1 }');

    assert.equal(json.status, 'compile_error', json.stderr);
    assert.match(json.message, /does the code have a main program\?/);
  });

  test('answer the published client', async () => {
    const chat = await openChat(daemon);
    for (const name of ['c', 'go', 'java', 'r', 'ts']) {
      const { text } = await chat.code(name, kPrograms[name].fails);
      assert.match(text, /stdout:\s*before/, name);
    }
  });
});

test('a language whose programs are not installed is refused as unsupported, and podium languages says why', async () => {
  const lacking = new Daemon({
    languages: {
      cobol: {
        runtimes: ['jobs'],
        source: 'main.cob',
        compile: ['/usr/bin/no-such-compiler', '{source}'],
        command: ['{folder}/program'],
        packages: ['gnucobol4'],
      },
      apl: {
        runtimes: ['jobs'],
        source: 'main.apl',
        command: ['/usr/bin/no-such-interpreter', '{source}'],
      },
    },
  });
  try {
    await lacking.start();
    for (const name of ['cobol', 'apl']) {
      const reply = await lacking.exec(name, 'DISPLAY "HELLO"');
      assert.equal(reply.status, 400, reply.bytes.toString());
      assert.match(reply.json.error, new RegExp(`^Unsupported language: ${name} `));
    }
    const { stdout } = await lacking.podium([
      'languages',
      '--text',
      '--config',
      lacking.configFile,
    ]);
    assert.match(
      stdout,
      /cobol +no +.*\/usr\/bin\/no-such-compiler is not there\n +→ apt-get install gnucobol4/,
    );
  } finally {
    await lacking.discard();
  }
});
