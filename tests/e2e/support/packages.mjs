// The npm packages that LibreChat talks to a code API with, from the folder that run-tests installed
// them to: PODIUM_E2E_MODULES. Versions are those of package-lock.json beside these tests.

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.PODIUM_E2E_MODULES;
if (!folder) {
  throw new Error('PODIUM_E2E_MODULES is not set; run the tests with ./run-tests --only e2e');
}

export const require = createRequire(path.join(folder, 'package.json'));
export const axios = require('axios');
export const fetch = require('node-fetch');
export const FormData = require('form-data');

/**
 * What a chat needs of @librechat/agents and of the language chain below it. `name`: the newest
 * package, or an older one by its alias in package.json.
 */
export async function loadAgents(name = 'agents') {
  const place = name === 'agents' ? '@librechat/agents' : name;
  const root = path.join(folder, 'node_modules', place, 'dist/esm/main.mjs');
  const agents = await import(pathToFileURL(root).href);
  const messages = createRequire(root)
    .resolve('@langchain/core/messages')
    .replace(/\.cjs$/, '.js');
  const { AIMessage } = await import(pathToFileURL(messages).href);
  return { ...agents, AIMessage };
}
