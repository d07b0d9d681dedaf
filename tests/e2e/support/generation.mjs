// One generation of the published client in a conversation like LibreChat's, in a process of its
// own: the older packages read the daemon's URL when they are loaded.
//
// argv: JSON {name, auths, url, key}. `auths` are the ways that the key travels, one conversation
// each, at the same time: header, bearer, body, bodyenv, none. Prints one line of JSON: by way, what each step came to.

import http from 'node:http';

const { name, auths, url, key } = JSON.parse(process.argv[2]);
process.env.LIBRECHAT_CODE_BASEURL = url;
process.env.LIBRECHAT_CODE_API_KEY = key;
const { axios, loadAgents } = await import('./packages.mjs');
const agents = await loadAgents(name);

/** One program a language; each prints "hello from LANG". */
const hello = {
  py: 'print("hello from py")',
  js: 'console.log("hello from js")',
  ts: 'const s: string = "hello from ts"; console.log(s);',
  bash: 'echo "hello from bash"',
};

async function converse(auth) {
  const parameters = {
    header: { authHeaders: () => ({ 'X-API-Key': key }) },
    bearer: { authHeaders: () => ({ Authorization: `Bearer ${key}` }) },
    body: { apiKey: key },
    bodyenv: { LIBRECHAT_CODE_API_KEY: key },
    none: {},
  }[auth];
  const own = {  // of LibreChat itself
    headers: auth === 'none' ? {} : auth === 'bearer' ? { Authorization: `Bearer ${key}` } : { 'X-API-Key': key },
    httpAgent: new http.Agent({ keepAlive: false }),
    validateStatus: () => true,
  };
  const base = name === 'agents' ? { baseUrl: url } : {};
  const given = { ...parameters, ...base, user_id: 'user-1' };
  const tools = [agents.createCodeExecutionTool(given)];
  if (agents.createBashExecutionTool) tools.push(agents.createBashExecutionTool(given));
  const node = new agents.ToolNode({ tools, sessions: new Map(), handleToolErrors: true });
  // A conversation of its own, which goes on beside the other: longer than the time-out of a client of
  // that time, and said to be alive by white space.
  const beside = new agents.ToolNode({ tools, sessions: new Map(), handleToolErrors: true });
  let calls = 0;

  async function invoke(through, tool, args) {
    const call = { id: `call-${++calls}`, name: tool, args, type: 'tool_call' };
    const out = await through.invoke([new agents.AIMessage({ content: '', tool_calls: [call] })],
                                     { configurable: { run_id: 'run-1' } });
    const message = (Array.isArray(out) ? out : out.messages).at(-1);
    return { text: String(message.content), status: message.status, artifact: message.artifact ?? {} };
  }
  const execute = agents.Constants.EXECUTE_CODE ?? 'execute_code';
  const run = (code, more = {}) => invoke(node, execute, { lang: 'py', code, ...more });

  async function get(path) {
    const reply = await axios.get(`${url}${path}`, { ...own, responseType: 'arraybuffer', timeout: 15000 });
    return { status: reply.status, body: Buffer.from(reply.data).toString() };
  }

  async function post(headers, body) {
    const reply = await axios.post(`${url}/exec`, body, { ...own, headers, timeout: 15000 });
    return { status: reply.status, stdout: reply.data?.stdout };
  }

  const facts = {};
  const slow = invoke(beside, execute, { lang: 'py', code: 'import time\ntime.sleep(6)\nprint("slow done")' });
  facts.hello = (await run('print("hello", 6*7)')).text;
  const made = (await run('open("/mnt/data/data.csv","w").write("a,b\\n1,2\\n")\nopen("/mnt/data/keep.txt","w").write("k")')).artifact;
  facts.made = made.files?.map((file) => file.name).sort();
  const csv = made.files?.find((file) => file.name === 'data.csv') ?? {};
  const session = csv.storage_session_id ?? csv.session_id ?? made.session_id;
  facts.download = await get(`/download/${session}/${csv.id}?kind=user&id=user-1`);
  facts.oldDownload = await get(`/download/${made.session_id}/${csv.id}`);
  const summary = JSON.parse((await get(`/files/${made.session_id}?detail=summary`)).body);
  facts.fresh = summary.some?.((one) => one.name.startsWith(`${made.session_id}/${csv.id}`) &&
                                        Math.abs(Date.now() - Date.parse(one.lastModified)) < 60_000);
  const full = JSON.parse((await get(`/files/${made.session_id}?detail=full`)).body);
  facts.fullId = full.find?.((one) => one.metadata['original-filename'] === 'data.csv')?.name.split('/')[1].split('.')[0] === csv.id;
  facts.object = (await get(`/sessions/${session}/objects/${csv.id}?kind=user&id=user-1`)).status;
  const changed = await run('print(open("/mnt/data/data.csv").read().count("\\n"))\nopen("/mnt/data/data.csv","a").write("3,4\\n")');
  facts.lines = changed.text;
  const after = changed.artifact.files?.find((file) => file.name === 'data.csv') ?? {};
  facts.newId = after.id !== undefined && after.id !== csv.id;
  facts.modifiedFrom = after.modified_from?.id === csv.id;
  facts.keepListed = changed.artifact.files?.find((file) => file.name === 'keep.txt')?.inherited ?? null;
  facts.again = (await run('print(open("/mnt/data/data.csv").read())\nprint(open("/mnt/data/keep.txt").read())')).text;
  facts.failing = (await run('import sys\nprint("out")\nsys.exit(3)')).text;
  facts.args = (await run('import sys\nprint(sys.argv[1:])', { args: ['x', 'y z'] })).text;
  facts.exit3 = (await run('echo out; echo err >&2; exit 3', { lang: 'bash' })).text;
  facts.unicode = (await run('print("h\\u00e9llo \\u2713 \\u4f60\\u597d \\U0001f600")')).text;
  facts.badUtf8 = await run('import sys\nsys.stdout.buffer.write(b"a\\xff\\xfeb\\n")');
  facts.bigOutput = (await run('print("x" * 1000000)')).text.length;
  facts.languages = [];
  for (const [lang, code] of Object.entries(hello)) facts.languages.push((await run(code, { lang })).text);
  facts.badLanguage = (await post(own.headers, { lang: 'cobol', code: 'x' })).status;
  facts.wrongKey = (await post({ 'X-API-Key': `wrong-${key}` }, { lang: 'py', code: 'print(1)' })).status;
  facts.noKey = (await post({}, { lang: 'py', code: 'print(1)' })).status;
  // As LibreChat itself reads a file.
  facts.readByLibreChat = await post(own.headers, {
    lang: 'bash', code: "cat '/mnt/data/data.csv'", session_id: made.session_id,
    files: [{ id: csv.id, resource_id: 'user-1', name: csv.name, storage_session_id: session, kind: 'user' }],
  });
  facts.bashTool = tools.length > 1
    ? (await invoke(node, agents.Constants.BASH_TOOL ?? 'bash_tool', { command: 'pwd; ls /mnt/data' })).text : null;
  facts.slow = (await slow).text;
  return facts;
}

const told = await Promise.all(auths.map(async (auth) => [auth, await converse(auth)]));
console.log(JSON.stringify(Object.fromEntries(told)));
process.exit(0);
