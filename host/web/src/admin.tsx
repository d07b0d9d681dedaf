// The administrator's page.

import './theme.css';
import './page.css';
import './admin.css';

import { signal } from '@preact/signals';
import { render } from 'preact';

import { KeysCard } from './admin-keys';
import { ReloadCard } from './admin-reload';
import { ask, key, timeInWords } from './api';
import { Chart } from './chart';
import { by, sum } from './metrics';
import { SignIn } from './signin';
import { visible } from './text';
import { Top } from './top';
import {
  health,
  latencies,
  latest,
  rates,
  readRuns,
  readings,
  runs,
  startWatching,
  stopWatching,
  trouble,
  type Part,
} from './watch';

const inside = signal(false);

async function enter() {
  await ask('api/v1/admin/keys');
  inside.value = true;
  startWatching();
}

function leave() {
  key.value = '';
  inside.value = false;
  stopWatching();
}

function Page() {
  return (
    <>
      <Top about="Administration">
        {inside.value && (
          <button type="button" class="button plain" onClick={leave}>
            Sign out
          </button>
        )}
      </Top>
      <main>
        {inside.value ? (
          <Board />
        ) : (
          <SignIn
            title="Administration"
            label="Administrator’s key"
            enter={enter}
            about={
              'Pods and pools, runs, keys and errors of this server, as they are now. ' +
              'The key is in the file admin-key of its state directory.'
            }
          />
        )}
      </main>
    </>
  );
}

function Board() {
  return (
    <div class="board">
      <h1 class="unseen">Administration</h1>
      {trouble.value && (
        <p class="notice wide" role="alert">
          {trouble.value}
        </p>
      )}
      <Tiles />
      <Charts />
      <Pools />
      <Runs />
      <Errors />
      <Parts />
      <KeysCard />
      <ReloadCard />
    </div>
  );
}

function Tile({ name, value, tone = '' }: { name: string; value: string; tone?: string }) {
  return (
    <div class={`tile ${tone}`}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const kTones: Record<string, string> = { healthy: 'good', degraded: 'wait', unhealthy: 'bad' };

function Tiles() {
  const now = health.value;
  if (!now) return <p class="hint wide">One moment…</p>;
  return (
    <dl class="card tiles wide">
      <Tile name="Health" value={now.status} tone={kTones[now.status]} />
      <Tile name="Running" value={String(now.runs.running)} />
      <Tile
        name="Waiting"
        value={String(now.runs.waiting)}
        tone={now.runs.waiting > 0 ? 'wait' : ''}
      />
      <Tile
        name="Runs so far"
        value={sum(latest.value, 'podium_runs_total').toLocaleString('en')}
      />
      <Tile name="Connections" value={String(now.connections)} />
      <Tile name="Up for" value={upFor(now.uptime_seconds)} />
      <Tile name="Configuration" value={`no. ${now.generation}`} />
      <Tile name="Version" value={now.version} />
    </dl>
  );
}

function upFor(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

function Charts() {
  const list = readings.value;
  const span = list.length > 1 ? `${timeInWords(list.at(-1)!.at - list[0].at)} ago` : '';
  const seconds = (value: number) => timeInWords(value * 1000);
  const perSecond = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
  return (
    <>
      <section class="card pad">
        <Chart
          title="Answers to runs"
          span={span}
          say={seconds}
          lines={[
            { name: 'half within', colour: 1, values: latencies(0.5) },
            { name: '99 % within', colour: 2, values: latencies(0.99) },
          ]}
        />
      </section>
      <section class="card pad">
        <Chart
          title="Traffic"
          span={span}
          say={perSecond}
          lines={[
            { name: 'runs', colour: 1, values: rates('podium_runs_total', () => true) },
            { name: 'requests', colour: 3, values: rates('podium_requests_total', () => true) },
            {
              name: 'errors',
              colour: 2,
              values: rates('podium_requests_total', ({ status }) => Number(status) >= 400),
            },
          ]}
        />
      </section>
    </>
  );
}

/** A pool is what has the same labels: a plugin's instance, and its tier. */
function Pools() {
  const value = (name: string) =>
    by(latest.value, `podium_pool_${name}`, (labels) => JSON.stringify(labels));
  const [available, busy, target, starting, hits, misses, deaths] = [
    'available',
    'busy',
    'target',
    'starting',
    'hits_total',
    'misses_total',
    'deaths_total',
  ].map(value);
  return (
    <section class="card pad wide">
      <h2>Pods and pools</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Pods and pools">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Pool</th>
              <th scope="col">Ready</th>
              <th scope="col">Busy</th>
              <th scope="col">In the making</th>
              <th scope="col">Met a ready one</th>
              <th scope="col">Died</th>
            </tr>
          </thead>
          <tbody>
            {[...available.keys()].map((pool) => {
              const { plugin, tier } = JSON.parse(pool) as Record<string, string>;
              const met = hits.get(pool) ?? 0;
              const all = met + (misses.get(pool) ?? 0);
              return (
                <tr key={pool}>
                  <th scope="row">
                    {plugin}
                    {tier !== undefined && <small> {tier || 'no modules'}</small>}
                  </th>
                  <td>
                    <Pods ready={available.get(pool)!} wanted={target.get(pool) ?? 0} />
                  </td>
                  <td>{busy.get(pool) ?? 0}</td>
                  <td>{starting.get(pool) ?? 0}</td>
                  <td>
                    {all
                      ? `${Math.round((100 * met) / all)} % of ${all.toLocaleString('en')}`
                      : '–'}
                  </td>
                  <td class={deaths.get(pool) ? 'bad' : ''}>{deaths.get(pool) ?? 0}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Pods({ ready, wanted }: { ready: number; wanted: number }) {
  const shown = Math.min(Math.max(ready, wanted), 24);
  return (
    <span class="pods">
      {Array.from({ length: shown }, (_, i) => (
        <i key={i} class={i < ready ? 'ready' : ''} aria-hidden="true" />
      ))}
      <span>
        {ready} of {wanted}
      </span>
    </span>
  );
}

function Runs() {
  const cancel = async (id: string) => {
    try {
      await ask(`runs/${encodeURIComponent(id)}`, { method: 'DELETE' });
    } catch {
      // It has ended by itself: the list below says so.
    }
    await readRuns();
  };
  return (
    <section class="card pad wide">
      <h2>Runs in progress</h2>
      {runs.value.length === 0 ? (
        <p class="hint">None at the moment.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Runs in progress">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">Language</th>
                <th scope="col">Stage</th>
                <th scope="col">Age</th>
                <th scope="col">Whose</th>
                <th scope="col">
                  <span class="unseen">What to do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {runs.value.map((run) => (
                <tr key={run.run_id}>
                  <th scope="row">
                    <code>{run.run_id}</code>
                  </th>
                  <td>{run.lang}</td>
                  <td>
                    {run.stage}
                    {run.position ? ` (number ${run.position})` : ''}
                  </td>
                  <td>{timeInWords(run.age_ms)}</td>
                  <td>{visible(run.principal)}</td>
                  <td>
                    <button
                      type="button"
                      class="button small"
                      onClick={() => cancel(run.run_id)}
                      aria-label={`Stop run ${run.run_id}`}
                    >
                      Stop
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Errors() {
  const answers = by(
    latest.value,
    'podium_requests_total',
    ({ route, status }) => `${status} ${route === 'none' ? 'unknown path' : route}`,
    ({ status }) => Number(status) >= 400,
  );
  const ends = by(
    latest.value,
    'podium_runs_total',
    ({ language, status }) => `${status.replaceAll('_', ' ')}, ${language}`,
    ({ status }) => status !== 'completed',
  );
  const rows = (sums: Map<string, number>) => [...sums].sort((a, b) => b[1] - a[1]).slice(0, 12);
  return (
    <section class="card pad">
      <h2>Errors since the start</h2>
      <div class="pair">
        <Counts title="Answers" rows={rows(answers)} />
        <Counts title="Runs" rows={rows(ends)} />
      </div>
    </section>
  );
}

function Counts({ title, rows }: { title: string; rows: [string, number][] }) {
  return (
    <div>
      <h3>{title}</h3>
      {rows.length === 0 ? (
        <p class="hint">None.</p>
      ) : (
        <ul class="counts">
          {rows.map(([name, count]) => (
            <li key={name}>
              <span>{visible(name)}</span>
              <b>{count.toLocaleString('en')}</b>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Parts() {
  const now = health.value;
  if (!now) return null;
  const parts: [string, Part][] = [
    ...Object.entries(now.plugins),
    ['database', now.database],
    ['sandbox', now.sandbox],
  ];
  return (
    <section class="card pad">
      <h2>Parts</h2>
      <ul class="parts">
        {parts.map(([name, part]) => (
          <li key={name} class={kTones[part.status]}>
            <span class="dot" aria-hidden="true" />
            <span>
              {name} <small class="soft">{part.plugin ?? ''}</small>
              {typeof part.detail?.reason === 'string' && (
                <small class="why">{visible(part.detail.reason)}</small>
              )}
            </span>
            <b>{part.status}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}

render(<Page />, document.getElementById('page')!);
