// What /metrics gives, what the dashboard asks for, and a client's trace.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon } from './support/daemon.mjs';

const dashboard = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, '../../packaging/grafana/podium.json')),
);

describe('metrics', { concurrency: false }, () => {
  const daemon = new Daemon();
  before(() => daemon.start());
  after(() => daemon.discard());

  const metrics = async () => (await daemon.request('GET', '/metrics')).bytes.toString();

  test('are all there that the dashboard asks for, with the labels that it uses', async () => {
    await daemon.exec('py', 'print(1)');
    const leave = new AbortController();
    const left = daemon
      .exec(
        'bash',
        'sleep 30',
        {},
        {
          signal: leave.signal,
          headers: { 'Content-Type': 'application/json', 'X-Request-ID': 'leaver' },
        },
      )
      .catch(() => {});
    await daemon.running(1);
    leave.abort();
    await left;
    await daemon.requestLine('leaver');
    await daemon.podium(['reload']);
    const text = await metrics();
    const samples = text.split('\n').filter((line) => line && !line.startsWith('#'));

    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    assert.ok(expressions.length >= 20);
    for (const expression of expressions) {
      for (const [, name] of expression.matchAll(/\b(podium_[a-z_]+)/g)) {
        assert.ok(
          samples.some((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)),
          `${name}: not in /metrics`,
        );
      }
      // "by (le, phase)" and {status=~…}: instance is Prometheus' own.
      const labels = [...expression.matchAll(/by \(([^)]*)\)/g)]
        .flatMap(([, list]) => list.split(/, */))
        .concat([...expression.matchAll(/[{,] *([a-z]+)(?:=|!=|=~)"/g)].map(([, label]) => label));
      const name = /\b(podium_[a-z_]+)/.exec(expression)[1];
      for (const label of labels.filter((each) => each !== 'instance')) {
        assert.ok(
          samples.some((line) => line.startsWith(`${name}{`) && line.includes(`${label}="`)),
          `${name} has no label ${label}`,
        );
      }
    }
  });

  test('have names by convention, a sentence and a type each', async () => {
    const lines = (await metrics()).split('\n');
    const types = new Map(
      lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ').slice(2)),
    );

    assert.ok(types.size > 15);
    for (const [name, type] of types) {
      assert.match(name, /^podium_[a-z][a-z_]*[a-z]$/);
      assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
      if (type === 'histogram') assert.match(name, /_(seconds|bytes)$/);
      assert.ok(
        lines.some((line) => line.startsWith(`# HELP ${name} `)),
        `${name} has no sentence`,
      );
    }
  });

  test('have labels that no client chooses', async () => {
    const before = (await metrics()).split('\n').length;
    for (let i = 0; i < 20; i += 1) {
      await daemon.request('GET', `/no/such/path/${i}`);
      await daemon.request('GET', `/files/session-${i}`);
      await daemon.exec(`language-${i}`, '1');
      await daemon.request(`ODD${i}`, '/exec');
    }
    const grown = (await metrics()).split('\n').length - before;

    assert.ok(grown < 60, `${grown} new lines for eighty odd requests`);
  });

  test('a trace goes through: log, answer, program', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736',
      parent = '00f067aa0ba902b7';
    const reply = await daemon.exec(
      'py',
      'import os; print(os.environ["TRACEPARENT"])',
      {},
      { headers: { 'Content-Type': 'application/json', traceparent: `00-${trace}-${parent}-01` } },
    );
    const line = await daemon.requestLine(reply.id);

    assert.equal(line.trace_id, trace);
    assert.equal(line.parent_span_id, parent);
    assert.match(line.span_id, /^[0-9a-f]{16}$/);
    assert.equal(reply.headers.traceresponse, `00-${trace}-${line.span_id}-01`);
    assert.equal(reply.json.stdout.trim(), `00-${trace}-${line.span_id}-01`);
  });

  test('the level of the log changes by a reload', async () => {
    daemon.configure({ log: { format: 'json', level: 'error' } });
    await daemon.podium(['reload']);
    const reply = await daemon.request('GET', '/health');
    daemon.configure({ log: { format: 'json', level: 'info' } });
    await daemon.podium(['reload']);
    const later = await daemon.request('GET', '/health');

    await daemon.requestLine(later.id);
    assert.equal(
      daemon.log.find((line) => line.request_id === reply.id),
      undefined,
    );
  });
});
