// podium config: schema, explain; and what a reload of nothing costs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon, prefix } from './support/daemon.mjs';

const sources = path.join(import.meta.dirname, '../..');

// An independent reader of JSON Schema; the files have comments, which it does not take.
const VALIDATE = `
import json, re, sys
import jsonschema
def load(name):
    text = open(name).read()
    keep = re.compile(r'"(?:[^"\\\\]|\\\\.)*"|//[^\\n]*|/\\*.*?\\*/', re.S)
    text = keep.sub(lambda m: m.group(0) if m.group(0)[0] == '"' else ' ', text)
    return json.loads(re.sub(r',(\\s*[}\\]])', r'\\1', text))
schema = load(sys.argv[1])
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sys.argv[2:]:
    for error in validator.iter_errors(load(name)):
        print(name, list(error.absolute_path), error.message)
`;
const validate = (...files) =>
  execFileSync('/usr/bin/python3', ['-c', VALIDATE, schema, ...files], { encoding: 'utf8' });
const schema = path.join(prefix, 'share/podium/podium.schema.json');

describe('the schema', () => {
  test('takes the default configuration and every example', () => {
    const examples = fs
      .readdirSync(path.join(sources, 'config/examples'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => path.join(sources, 'config/examples', name));

    assert.equal(validate(path.join(sources, 'config/podium.json'), ...examples), '');
    assert.ok(examples.length > 0);
  });

  test('refuses what podiumd refuses', () => {
    const folder = fs.mkdtempSync('/tmp/podium-schema-');
    const bad = {
      unknown: { limits: { memry: '1GiB' } },
      type: { listen: { port: '8000' } },
      bound: { listen: { port: 70000 } },
      unit: { limits: { wall: '30' } },
      choice: { log: { level: 'loud' } },
      option: { plugins: { jobs: { library: 'runtime/job', options: { mini: 2 } } } },
      library: { plugins: { jobs: {} } },
      secret: { auth: { admin_key: 'secret' } },
    };
    for (const [name, config] of Object.entries(bad)) {
      const file = path.join(folder, `${name}.json`);
      fs.writeFileSync(file, JSON.stringify(config));

      assert.notEqual(validate(file), '', `the schema takes ${JSON.stringify(config)}`);
    }
    fs.rmSync(folder, { recursive: true });
  });
});

describe('podium config explain', { concurrency: false }, () => {
  const daemon = new Daemon({ limits: { memory: '300MiB' } });
  before(async () => {
    process.env.PODIUM__LIMITS__WALL = '7s';
    try {
      await daemon.start();
    } finally {
      delete process.env.PODIUM__LIMITS__WALL;
    }
  });
  after(() => daemon.discard());

  const explain = async (key) =>
    JSON.parse((await daemon.podium(['config', 'explain', key, '--json'])).stdout);

  test('tells what an option is, its bounds, its value and whether that is from file, environment or default', async () => {
    const [memory] = (await explain('limits.memory')).options;
    const [wall] = (await explain('/limits/wall')).options;
    const [output] = (await explain('limits.output')).options;

    assert.equal(memory.value, '300MiB');
    assert.equal(memory.default, '512MiB');
    const line =
      fs
        .readFileSync(daemon.configFile, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('300MiB')) + 1;
    assert.equal(memory.origin, `${daemon.configFile}, line ${line}`);
    assert.equal(memory.type, 'size with a unit');
    assert.equal(wall.value, '7s');
    assert.equal(wall.origin, 'environment variable PODIUM__LIMITS__WALL');
    assert.equal(wall.bounds, '1ms to 1d');
    assert.match(wall.description, /time from start to end/);
    assert.equal(output.origin, 'default');
  });

  test('knows the options of plugins, and sections', async () => {
    const [window] = (await explain('plugins.beat.options.window')).options;
    const listen = (await explain('listen')).options;

    assert.equal(window.type, 'duration');
    assert.equal(window.value, '1s');
    assert.deepEqual(
      listen.map(({ key, needs_restart: restart }) => [key, restart]),
      [
        ['/listen/address', true],
        ['/listen/port', true],
      ],
    );
  });

  test('names the nearest key for one that is not there', async () => {
    const { code, stderr } = await daemon.podium(['config', 'explain', 'limits.memry']);

    assert.equal(code, 1);
    assert.match(stderr, /there is no key \/limits\/memry: did you mean \/limits\/memory\?/);
  });
});
