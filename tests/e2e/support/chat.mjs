// A conversation in which a model calls the code tools, by the published client: its own ToolNode
// hands each call the session and the files of the calls before it, as in LibreChat.

import { channel } from 'node:diagnostics_channel';

import { loadAgents } from './packages.mjs';

/** What went over the wire, told by Node itself: {method, path, status, port, reused}. */
export function recordWire() {
  const exchanges = [];
  channel('http.client.response.finish').subscribe(({ request, response }) => {
    exchanges.push({
      method: request.method,
      path: request.path,
      status: response.statusCode,
      headers: response.headers,
      port: request.socket?.localPort,
      reused: request.reusedSocket,
    });
  });
  return exchanges;
}

export async function openChat({ url, key }) {
  const agents = await loadAgents();
  const parameters = { baseUrl: url, authHeaders: () => ({ 'X-API-Key': key }), user_id: 'user-1' };
  const tools = [
    agents.createCodeExecutionTool(parameters),
    agents.createBashExecutionTool(parameters),
  ];
  const node = new agents.ToolNode({ tools, sessions: new Map(), handleToolErrors: true });
  let calls = 0;

  /** Calls a tool by name; {text, artifact} is what the model and the host get of it. */
  async function call(name, args) {
    const id = `call-${++calls}`;
    const message = new agents.AIMessage({
      content: '',
      tool_calls: [{ id, name, args, type: 'tool_call' }],
    });
    const out = await node.invoke([message], { configurable: { run_id: 'run-1' } });
    const answer = (Array.isArray(out) ? out : out.messages).at(-1);
    return { text: String(answer.content), status: answer.status, artifact: answer.artifact ?? {} };
  }

  return {
    python: (code, args) =>
      call(agents.Constants.EXECUTE_CODE, { lang: 'py', code, ...(args ? { args } : {}) }),
    code: (lang, code) => call(agents.Constants.EXECUTE_CODE, { lang, code }),
    bash: (command) => call(agents.Constants.BASH_TOOL ?? 'bash_tool', { command }),
  };
}
