// Every status of the contract, reached in at least two ways each from Python in a warm pod, Python
// started cold, bash and C.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';

const limits = {
  wall: '20s',
  memory: '128MiB',
  processes: 40,
  output: '64KiB',
  file_size: '4MiB',
  workspace: '16MiB',
  workspace_files: 150,
  compile_memory: '256MiB',
};
const python = { source: 'main.py', command: ['/usr/bin/python3', '{source}'] };
const daemon = new Daemon({
  limits,
  languages: {
    warm: { ...python, runtimes: ['pods'] },
    cold: { ...python, runtimes: ['jobs'] },
    endless: {
      runtimes: ['jobs'],
      source: 'x',
      compile: ['/bin/sleep', '60'],
      command: ['{folder}/program'],
      limits: { compile_wall: '300ms' },
    },
  },
});

before(() => daemon.start());
after(async () => {
  await daemon.stop();
  await daemon.leavesNothing();
  await daemon.discard();
});

const c = (body) => `
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *nothing(void *unused) { pause(); return unused; }
int main(void) { setvbuf(stdout, NULL, _IOLBF, 0); ${body} }`;

// status → what its sentence must say, and two ways to it from each language.
const kWays = {
  completed: {
    message: /^$/,
    python: ['print("out")', 'import sys\nprint("out")\nsys.exit(0)'],
    bash: ['echo out', 'echo out; exit 0'],
    c: ['puts("out"); return 0;', 'puts("out"); exit(0);'],
  },
  failed: {
    message: /^The program exited with code \d+(\.|: a command was not found.*)$/,
    python: [
      'print("out")\nraise RuntimeError("x")',
      'print("out", flush=True)\nimport os\nos._exit(137)',
    ],
    bash: ['echo out; exit 3', 'echo out; no-such-command'],
    c: ['puts("out"); return 255;', 'puts("out"); execl("/nonexistent", "x", NULL); return 1;'],
  },
  signaled: {
    message: /^The program was ended by the signal SIG(SEGV|KILL|ABRT|FPE|TERM)/,
    python: [
      'import ctypes\nprint("out", flush=True)\nctypes.string_at(0)',
      'import os, signal\nprint("out", flush=True)\nos.kill(os.getpid(), signal.SIGKILL)',
    ],
    bash: ['echo out; kill -SEGV $$', 'echo out; kill -KILL $$'],
    c: ['puts("out"); *(volatile int *)8 = 1; return 0;', 'puts("out"); abort();'],
  },
  timed_out: {
    timeout: 1500, // time enough to begin on a machine that stands still for a while
    message: /^The program was stopped: it ran longer than its limit of 1\.5 s/,
    python: [
      'import time\nprint("out", flush=True)\ntime.sleep(60)',
      'print("out", flush=True)\nwhile True: pass',
    ],
    bash: ['echo out; sleep 60', 'echo out; while :; do :; done'],
    c: ['puts("out"); sleep(60); return 0;', 'puts("out"); signal(SIGTERM, SIG_IGN); for (;;) { }'],
  },
  out_of_memory: {
    message: /it needed more memory than its limit of 128MiB/,
    python: [
      'print("out", flush=True)\nx = bytearray(1 << 30)\nx[::4096] = b"x" * (len(x) // 4096)',
      `import os
print("out", flush=True)
for _ in range(8):
    if os.fork() == 0:
        x = b"x" * (40 << 20)
        os.read(os.pipe()[0], 1)
os.wait()`,
    ],
    bash: [
      'echo out; head -c 1G /dev/zero | tail',
      'echo out; for i in {1..8}; do head -c 100M /dev/zero | tail & done; wait',
    ],
    c: [
      'puts("out"); for (;;) memset(malloc(1 << 20), 1, 1 << 20);',
      'puts("out"); for (int i = 0; i < 8; ++i) if (fork() == 0) { memset(malloc(40 << 20), 1, 40 << 20); pause(); } wait(NULL); return 0;',
    ],
  },
  process_limit: {
    timeout: 3000,
    message: /it started more processes and threads than its limit of 40/,
    python: [
      'import os\nprint("out", flush=True)\nwhile True:\n    os.fork()',
      'import threading, time\nprint("out", flush=True)\nfor _ in range(99):\n    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()',
    ],
    bash: [
      'echo out; f() { f | f & }; f; wait; sleep 9',
      'echo out; for i in {1..99}; do sleep 9 & done; wait',
    ],
    c: [
      'puts("out"); for (;;) fork();',
      'puts("out"); pthread_t t; for (int i = 0; i < 99; ++i) if (pthread_create(&t, NULL, nothing, NULL)) return 1; return 0;',
    ],
  },
  output_limit: {
    message: /it wrote more to stdout or stderr than its limit of 64KiB/,
    python: [
      'print("out")\nwhile True:\n    print("more" * 100)',
      'import sys\nprint("out", flush=True)\nwhile True:\n    sys.stderr.write("more" * 100)',
    ],
    bash: ['echo out; yes', 'echo out; yes >&2'],
    c: ['puts("out"); for (;;) puts("more");', 'puts("out"); for (;;) fputs("more", stderr);'],
  },
  disk_limit: {
    message:
      /wrote more to files than its limits allow: 4MiB a file, 16MiB and 150 files in all|grew past its limit of 4MiB/,
    python: [
      'print("out", flush=True)\nopen("big", "wb").write(b"x" * (8 << 20))',
      'print("out", flush=True)\nfor i in range(999):\n    open(f"file{i}", "w").write("x")',
    ],
    bash: [
      'echo out; head -c 8M /dev/zero > big',
      'set -e; echo out; for i in {1..999}; do echo > file$i; done',
    ],
    c: [
      'puts("out"); int fd = open("big", O_WRONLY | O_CREAT, 0600); static char b[1 << 20]; for (;;) if (write(fd, b, sizeof b) < 0) return 1;',
      'puts("out"); char name[9]; static char b[1 << 20]; for (int i = 0;; ++i) { sprintf(name, "f%d", i % 999); int fd = open(name, O_WRONLY | O_CREAT, 0600); if (fd < 0 || write(fd, b, sizeof b) < 0) return 1; close(fd); }',
    ],
  },
};

async function check(status, ways, language, code) {
  const { json } = await daemon.exec(language, code, ways.timeout ? { timeout: ways.timeout } : {});

  assert.equal(
    json.status,
    status,
    JSON.stringify({
      ...json,
      stdout: json.stdout?.slice(0, 200),
      stderr: json.stderr?.slice(-500),
    }),
  );
  assert.match(json.stdout, /^out\n/);
  assert.match(json.message ?? '', ways.message);
  if (status !== 'completed') assert.equal(json.stderr.trimEnd().split('\n').at(-1), json.message);
}

for (const [status, ways] of Object.entries(kWays)) {
  describe(`status ${status}`, { concurrency: false }, () => {
    for (const way of [0, 1]) {
      for (const [title, language, code] of [
        ['Python in a warm pod', 'warm', ways.python[way]],
        ['Python started cold', 'cold', ways.python[way]],
        ['bash', 'bash', ways.bash[way]],
        ['C', 'c', c(ways.c[way])],
      ]) {
        test(`${title}, way ${way + 1}`, () => check(status, ways, language, code));
      }
    }
  });
}

describe('status compile_error', { concurrency: false }, () => {
  const compile = async (language, code, status = 'compile_error') => {
    const { json } = await daemon.exec(language, code);
    assert.equal(json.status, status, JSON.stringify(json).slice(0, 1500));
    assert.match(json.message, /compile/);
    assert.equal(json.stderr.trimEnd().split('\n').at(-1), json.message);
    return json;
  };

  test('is a program that the compiler refuses', async () => {
    const json = await compile('c', 'int main(void) { return 0 }');
    assert.match(json.stderr, /main\.c:1:\d+: error/);
  });

  test('is a program that the linker refuses', async () => {
    const json = await compile('c', 'int missing(void); int main(void) { return missing(); }');
    assert.match(json.stderr, /undefined reference to [`']missing'/);
  });

  test('is a compiler that needs more memory than it may, and says so', async () => {
    const eightfold = 'BCDEFGHI'
      .split('')
      .map((name, i) => `#define ${name} ${Array(8).fill('ABCDEFGH'[i])}`);
    const json = await compile(
      'c',
      `#define A 1\n${eightfold.join('\n')}\nint a[] = {I}; int main(void) { return a[5]; }`,
    );
    assert.match(json.message, /^The compiler .* needed more memory than its limit of 256MiB/);
  });

  test('is timed_out, said to be the compiler, when the compiler does not end', async () => {
    const json = await compile('endless', 'x', 'timed_out');
    assert.match(json.message, /^The compiler was stopped: it ran longer than its limit of 0\.3 s/);
  });
});

describe('the limits of the compile step', { concurrency: false }, () => {
  test('are not those of the run: a program may not use the memory that its compiler may', async () => {
    const { json } = await daemon.exec(
      'c',
      c(`
      volatile char *p = malloc(200 << 20);
      for (int i = 0; i < 200 << 20; i += 4096) p[i] = 1;
      return puts("had it") < 0;`),
    );

    assert.equal(json.status, 'out_of_memory', JSON.stringify(json));
  });

  test('are forgotten once it has succeeded', async () => {
    const { json } = await daemon.exec('c', c('puts("fine"); return 0;'));

    assert.deepEqual([json.status, json.stdout], ['completed', 'fine\n']);
  });
});

describe('status cancelled', { concurrency: false }, () => {
  const slow = {
    py: 'import time\ntime.sleep(60)',
    bash: 'sleep 60',
    c: c('sleep(60); return 0;'),
  };

  for (const [language, code] of Object.entries(slow)) {
    test(`is logged of a ${language} program whose client has left`, async () => {
      const leaving = new AbortController();
      const gone = daemon
        .exec(language, code, {}, { signal: leaving.signal })
        .catch((error) => error.name);
      await daemon.running(1);
      leaving.abort();

      assert.equal(await gone, 'AbortError');
      await daemon.running(0);
      await daemon.logged(
        (line) =>
          line.message === 'request' &&
          line.language === language &&
          line.run_status === 'cancelled' &&
          line.client_left,
      );
    });
  }

  test('is answered to programs that still run when the daemon stops draining', async () => {
    const stopping = new Daemon({ limits, drain_timeout: '200ms' });
    try {
      await stopping.start();
      const runs = Object.entries(slow).map(([language, code]) => stopping.exec(language, code));
      await stopping.running(3);
      stopping.signal('SIGTERM');

      for (const { json } of await Promise.all(runs)) {
        assert.equal(json.status, 'cancelled', JSON.stringify(json));
        assert.equal(json.stderr.trimEnd(), json.message);
      }
    } finally {
      await stopping.discard();
    }
  });
});

// A bomb's processes complain, each of them: what stopped the run is not what was wrong with it.
test('a run that met the process limit and then the output limit is told as the former', async () => {
  const code = 'echo out; for i in {1..99}; do sleep 9 & done 2>/dev/null; yes';

  await check('process_limit', kWays.process_limit, 'bash', code);
});
