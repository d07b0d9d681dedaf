// One generation of the published client in a conversation like LibreChat's, in a process of its
// own: the older packages read the daemon's URL when they are loaded.
//
// argv: JSON {name, auths, url, key}. `auths` are the ways that the key travels, one conversation
// each: header, bearer, body, bodyenv, none. Prints one line of JSON: by way, what each step came to.

import http from 'node:http';

const { name, auths, url, key } = JSON.parse(process.argv[2]);
process.env.LIBRECHAT_CODE_BASEURL = url;
process.env.LIBRECHAT_CODE_API_KEY = key;
const { axios, loadAgents } = await import('./packages.mjs');
const agents = await loadAgents(name);

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
  let calls = 0;

  async function run(code, more = {}) {
    const id = `call-${++calls}`;
    const args = { lang: 'py', code, ...more };
    const call = { id, name: agents.Constants.EXECUTE_CODE ?? 'execute_code', args, type: 'tool_call' };
    const out = await node.invoke([new agents.AIMessage({ content: '', tool_calls: [call] })],
                                  { configurable: { run_id: 'run-1' } });
    const message = (Array.isArray(out) ? out : out.messages).at(-1);
    return { text: String(message.content), artifact: message.artifact ?? {} };
  }

  async function get(path) {
    const reply = await axios.get(`${url}${path}`, { ...own, responseType: 'arraybuffer', timeout: 15000 });
    return { status: reply.status, body: Buffer.from(reply.data).toString() };
  }

  const facts = {};
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
  return facts;
}

const told = {};
for (const auth of auths) told[auth] = await converse(auth);
console.log(JSON.stringify(told));
process.exit(0);
