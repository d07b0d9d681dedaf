// Programs that call tools of their client: by the published LibreChat client of three generations,
// and what a client may do wrong.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Daemon, eventually } from './support/daemon.mjs';
import { loadAgents } from './support/packages.mjs';

const daemon = new Daemon();
const open = new Daemon({ auth: { mode: 'none' } }); // 3.1.77 sends no key with these requests
before(() => Promise.all([daemon.start(), open.start()]));
after(() => Promise.all([daemon.discard(), open.discard()]));

const toolDefs = [
  {
    name: 'get-weather',
    description: 'The weather of a city.',
    parameters: {
      type: 'object',
      properties: { unit: { type: 'string' }, city: { type: 'string' } },
      required: ['city'],
    },
  },
  { name: 'query_database', description: 'Rows.', parameters: { type: 'object', properties: {} } },
];

/** The client's own tool, with tools that it may call; `asked` is what they were called with. */
async function programmaticTool(version, { url, key }, asked, bash = false) {
  const agents = await loadAgents(version);
  const make = bash
    ? agents.createBashProgrammaticToolCallingTool
    : agents.createProgrammaticToolCallingTool;
  const tool = make({ baseUrl: url, apiKey: key ?? 'none', authHeaders: { 'X-API-Key': key } });
  const invoked = (name, answer) => ({
    name,
    schema: { type: 'object' },
    invoke: async (input) => {
      asked.push([name, input]);
      return answer(input);
    },
  });
  const toolMap = new Map([
    ['get-weather', invoked('get-weather', ({ city }) => ({ city, degrees: city.length }))],
    [
      'query_database',
      invoked('query_database', ({ sql }) => {
        if (sql === 'fail') throw new Error('no such table');
        return [{ n: 1 }, { n: 2 }];
      }),
    ],
  ]);
  return async (code, more = {}) => {
    const toolCall = { id: 'call-1', name: tool.name, args: { code }, type: 'tool_call' };
    const config = { toolCall: { ...toolCall, toolMap, toolDefs }, ...more };
    const answer = await tool.func({ code }, undefined, config);
    return { text: answer[0], artifact: answer[1] };
  };
}

for (const [version, where] of [
  ['agents', daemon],
  ['agents-3.1.63', daemon],
  ['agents-3.1.77', open],
]) {
  describe(`the client ${version}`, { concurrency: false }, () => {
    test('has its tools called by a Python program, those beside each other in one round', async () => {
      const asked = [];
      const run = await programmaticTool(version, where, asked);

      const { text, artifact } = await run(`
rows = await query_database(sql="select")
sf, ny = await asyncio.gather(get_weather(city="SF"), get_weather(city="Paris"))
print(len(rows), sf["degrees"], ny["degrees"])
with open("/mnt/data/out.txt", "w") as f:
    f.write("kept")`);

      assert.match(text, /stdout:\n2 2 5/);
      assert.deepEqual(asked, [
        ['query_database', { sql: 'select' }],
        ['get-weather', { city: 'SF' }],
        ['get-weather', { city: 'Paris' }],
      ]);
      assert.deepEqual(artifact.files.map((file) => file.name), ['out.txt']);
    });

    test('tells a program what went wrong in a tool, and the model what went wrong in a program', async () => {
      const asked = [];
      const run = await programmaticTool(version, where, asked);

      const { text } = await run(`
try:
    await query_database(sql="fail")
except ToolError as error:
    print("caught:", error)`);
      assert.match(text, /caught: .*no such table/);

      await assert.rejects(run('await query_database(sql="x")\nundefined_name'), (error) => {
        if (version === 'agents') assert.match(error.message, /main\.py", line 2[\s\S]*NameError/);
        return true;
      });
    });
  });
}

describe('a shell program', { concurrency: false }, () => {
  test('calls tools as functions, one after the other and beside each other', async () => {
    const asked = [];
    const run = await programmaticTool('agents', daemon, asked, true);

    const { text } = await run(`set -u
rows=$(query_database '{"sql": "select"}')
echo "rows: $rows"
{ get_weather '{"city": "SF"}' > /tmp/sf; } &
{ get_weather '{"city": "Paris"}' > /tmp/ny; } &
wait
cat /tmp/sf; echo; cat /tmp/ny; echo
query_database '{"sql": "fail"}' || echo "failed with $?"`);

    assert.match(text, /rows: \[\{"n":1\},\{"n":2\}\]/);
    assert.match(text, /\{"city":"SF","degrees":2\}\n\{"city":"Paris","degrees":5\}/);
    assert.match(text, /failed with 1/);
    assert.match(text, /query_database: .*no such table/);
    assert.equal(asked.length, 4);
  });
});

describe('a request for a program with tools', { concurrency: false }, () => {
  const tools = [{ name: 'ask' }];

  async function post(body, { key = daemon.key, path = '', headers = {}, signal } = {}) {
    const reply = await fetch(`${daemon.url}/exec/programmatic${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': key, ...headers },
      body: JSON.stringify(body),
      signal,
    });
    return { status: reply.status, ...(await reply.json()), http: reply.status };
  }
  const running = async () => {
    const reply = await fetch(`${daemon.url}/runs`, { headers: { 'X-API-Key': daemon.key } });
    return (await reply.json()).runs ?? [];
  };
  const answer = (asked, result = 1) => ({
    continuation_token: asked.continuation_token,
    tool_results: asked.tool_calls.map(({ id }) => ({ call_id: id, result })),
  });

  test('goes on once with each token', async () => {
    const asked = await post({ code: 'print(await ask())', tools });
    assert.equal(asked.status, 'tool_call_required');

    const ended = await post(answer(asked));
    assert.deepEqual([ended.status, ended.stdout], ['completed', '1\n']);
    const again = await post(answer(asked));
    assert.equal(again.http, 404);
    assert.equal(again.error, 'Execution not found or expired');
  });

  test('must answer every call, and loses nothing when it does not', async () => {
    const asked = await post({ code: 'print(await ask())', tools });

    const none = await post({ ...answer(asked), tool_results: [] });
    const other = await post({ ...answer(asked), tool_results: [{ call_id: 'call_009' }] });
    assert.deepEqual([none.http, other.http], [422, 422]);
    assert.match(none.error, /call_001/);
    assert.match(other.error, /call_009/);

    assert.equal((await post(answer(asked))).stdout, '1\n');
  });

  test('cannot go on with the program of another', async () => {
    const made = await fetch(`${daemon.url}/api/v1/admin/keys`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-API-Key': fs.readFileSync(`${daemon.stateDir}/admin-key`, 'utf8').trim(),
      },
      body: JSON.stringify({ name: 'other' }),
    }).then((reply) => reply.json());
    assert.ok(made.api_key, JSON.stringify(made));
    const asked = await post({ code: 'print(await ask())', tools });

    const foreign = await post(answer(asked), { key: made.api_key });

    assert.equal(foreign.http, 404);
    assert.equal((await post(answer(asked))).stdout, '1\n');
  });

  test('stands still while its client works, wherever its processes have put themselves', async () => {
    const asked = await post({
      code: `
import subprocess, sys, threading, time
count = 0
def spin():
    global count
    while True: count += 1; time.sleep(0.001)
threading.Thread(target=spin, daemon=True).start()
code = "import time\\nwhile True: open('/tmp/beats', 'a').write('x'); time.sleep(0.001)"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
while True:
    try:
        beats = open("/tmp/beats").read()
        break
    except FileNotFoundError:
        time.sleep(0.01)
await ask()
first, beats = count, len(open("/tmp/beats").read())
await ask()
print(max(count - first, len(open("/tmp/beats").read()) - beats))`,
      tools,
    });
    const next = await post(answer(asked));
    assert.equal(next.status, 'tool_call_required');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const ended = await post(answer(next));

    assert.equal(ended.status, 'completed', JSON.stringify(ended));
    assert.ok(Number(ended.stdout) < 700, `it counted ${ended.stdout} in 1500 ms`);
  });

  test('may call from several event loops, which ask one after the other', async () => {
    let said = await post({
      code: `
import threading
def work():
    async def main(): print(await ask())
    asyncio.run(main())
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()`,
      tools,
    });
    let calls = 0;
    while (said.status === 'tool_call_required') {
      calls += said.tool_calls.length;
      said = await post(answer(said));
    }
    // Threads write their ends of line when they like.
    const printed = said.stdout.replaceAll('\n', '');
    assert.deepEqual([said.status, printed, calls], ['completed', '1'.repeat(6), 6]);
  });

  test('takes tables of many values, and large inputs beside each other', async () => {
    const table = Array.from({ length: 20_000 }, (_, n) => [n, 'x', null, 1.5, true]);
    const asked = await post({ code: 'rows = await ask()\nprint(len(rows), rows[-1])', tools });
    const ended = await post(answer(asked, table));
    assert.equal(ended.stdout, "20000 [19999, 'x', None, 1.5, True]\n", JSON.stringify(ended));

    let said = await post({
      lang: 'bash',
      code: `for i in 1 2 3; do ask "{\\"x\\":\\"$(head -c 900000 /dev/zero | tr '\\0' y)\\"}" > /tmp/$i & done
wait; cat /tmp/1 /tmp/2 /tmp/3`,
      tools,
    });
    const sizes = [];
    while (said.status === 'tool_call_required') {
      sizes.push(...said.tool_calls.map(({ input }) => input.x.length));
      said = await post(answer(said));
    }
    assert.deepEqual([said.stdout, sizes], ['111', [900000, 900000, 900000]], said.error);
  });

  test('may have tools with the names of commands', async () => {
    const named = ['cat', 'rm', 'mkfifo'].map((name) => ({ name }));
    let said = await post({ lang: 'bash', code: 'cat; rm; mkfifo', tools: named });
    const called = [];
    while (said.status === 'tool_call_required') {
      called.push(...said.tool_calls.map(({ name }) => name));
      said = await post(answer(said));
    }
    assert.deepEqual([said.stdout, called], ['111', ['cat', 'rm', 'mkfifo']], said.error);
  });

  test('is told to have ended when it was killed while it stood still', async () => {
    const asked = await post({ code: 'await ask()', tools });
    const standing = () => fs.readdirSync('/proc').filter((pid) => {
      try {
        const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
        const uid = Number(/^Uid:\t(\d+)/m.exec(status)[1]);
        const ours = uid >= daemon.uidBase && uid < daemon.uidBase + 20_000;
        return ours && /^State:\tT/m.test(status);
      } catch {
        return false; // no process, or one that has ended
      }
    });
    await eventually('it stands still', () => standing().length > 0);
    for (const pid of standing()) process.kill(Number(pid), 'SIGKILL');

    const ended = await post(answer(asked));
    assert.equal(ended.status, 'error');
    assert.match(ended.error, /SIGKILL/);
  });

  test('goes on over a reload of the configuration', async () => {
    const asked = await post({ code: 'print(await ask())', tools });
    daemon.config.limits = { wall: '20s' };
    daemon.configure(daemon.config);
    daemon.signal('SIGHUP');
    await daemon.logged((line) => line.generation === 2);

    assert.equal((await post(answer(asked))).stdout, '1\n');
  });

  test('lends its place to others while its client works', async () => {
    const waiting = await Promise.all(
      Array.from({ length: 12 }, () => post({ code: 'print(await ask())', tools })),
    ); // more than the eight places
    assert.ok(waiting.every(({ status }) => status === 'tool_call_required'));

    const ended = await Promise.all(waiting.map((asked) => post(answer(asked))));
    assert.ok(ended.every(({ stdout }) => stdout === '1\n'));
  });

  test('is ended by its limit of time, which does not count the tools', async () => {
    const slow = await post({ code: 'await ask()\nwhile True: pass', tools, timeout: 700 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const ended = await post(answer(slow));

    assert.equal(ended.status, 'error');
    assert.match(ended.error, /longer than its limit of 0\.7s/);
  });

  test('ends with the client that leaves', async () => {
    const gone = new AbortController();
    const never = post(
      { code: 'import time\ntime.sleep(25)\nawait ask()', tools },
      { signal: gone.signal },
    );
    await eventually('the run is there', async () => (await running()).length === 1);

    gone.abort();
    await assert.rejects(never);
    await eventually('the run is gone', async () => (await running()).length === 0);
  });

  test('can be cancelled by the id that it had', async () => {
    const id = { 'X-LibreChat-Code-Request-ID': 'c0ffee-1' };
    const cancel = () => post({ request_id: 'c0ffee-1' }, { path: '/cancel' });
    const ended = post({ code: 'import time\ntime.sleep(25)', tools }, { headers: id });
    await eventually('the run is there', async () => (await running()).length === 1);

    const cancelled = await cancel();
    const result = await ended;
    assert.deepEqual([cancelled.http, cancelled.status], [202, 'cancellation_requested']);
    assert.deepEqual([result.http, result.status], [200, 'error']);
    assert.match(result.error, /cancelled/);
    const late = await cancel();
    assert.deepEqual([late.http, late.status], [200, 'already_completed']);
  });

  test('is refused with a sentence that names what was wrong', async () => {
    const cases = [
      [{ code: 'x' }, 400, /tools must be an array of 1 to 100/],
      [{ code: 'x', tools: [] }, 400, /tools/],
      [{ code: 'x', tools: {} }, 422, /tools/],
      [{ code: 'x', tools: [{}] }, 422, /tools\[0\]\.name/],
      [{ code: 'x', tools: [{ name: '!' }] }, 400, /letters or digits/],
      [{ code: 'x', tools: [{ name: 'a-b' }, { name: 'a_b' }] }, 400, /both the function a_b/],
      [{ code: 'x', tools, lang: 'go' }, 400, /python or bash/],
      [{ code: '', tools }, 400, /code must not be empty/],
      [{ tools }, 422, /code is required/],
      [{ continuation_token: 7 }, 422, /continuation_token/],
      [{ continuation_token: 'x', tool_results: {} }, 422, /tool_results/],
      [{ continuation_token: 'x', tool_results: [] }, 404, /not found or expired/],
    ];
    for (const [body, status, sentence] of cases) {
      const refused = await post(body);
      assert.equal(refused.http, status, JSON.stringify(refused));
      assert.match(refused.error, sentence);
    }
    assert.equal((await post({ request_id: 7 }, { path: '/cancel' })).http, 400);
  });

  test('ends a program that calls without end', async () => {
    let said = await post({ code: 'for i in range(300): await asyncio.gather(*[ask() for _ in range(50)])', tools });
    for (let round = 0; said.status === 'tool_call_required' && round < 9; round++) {
      said = await post(answer(said));
    }
    assert.equal(said.status, 'error');
    assert.match(said.error, /more than 200 times/);
  });

  test('gets beats of white space while the program is busy', async () => {
    const reply = await fetch(`${daemon.url}/exec/programmatic`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': daemon.key },
      body: JSON.stringify({ code: 'import time\ntime.sleep(3.2)\nprint(await ask())', tools }),
    });
    const text = await reply.text();

    assert.match(text, /^ +\{/);
    assert.equal(JSON.parse(text).status, 'tool_call_required');
    assert.equal((await post(answer(JSON.parse(text)))).status, 'completed');
  });

  test('leaves no run behind', async () => {
    await eventually('no run is left', async () => (await running()).length === 0);
  });
});

test('a daemon that is told to stop does not wait for clients that cannot come back', async () => {
  const stopping = new Daemon({ drain_timeout: '5m' });
  await stopping.start();
  const reply = await fetch(`${stopping.url}/exec/programmatic`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-API-Key': stopping.key },
    body: JSON.stringify({ code: 'await ask()', tools: [{ name: 'ask' }] }),
  });
  assert.equal((await reply.json()).status, 'tool_call_required');

  const begun = performance.now();
  stopping.signal('SIGTERM');
  await stopping.ended;
  assert.ok(performance.now() - begun < 60_000);
  await stopping.discard();
});
