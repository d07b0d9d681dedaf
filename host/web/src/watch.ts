// What the administrator's page knows of the daemon, asked for again every two seconds while it is
// looked at.

import { batch, computed, signal } from '@preact/signals';

import { ApiError, ask, askJson } from './api';
import { buckets, parseMetrics, quantile, sum, type Sample } from './metrics';

export interface Part {
  status: string;
  response_time_ms: number;
  plugin?: string;
  detail?: Record<string, unknown>;
}

export interface HealthReport {
  status: string;
  version: string;
  generation: number;
  uptime_seconds: number;
  runs: { running: number; waiting: number };
  connections: number;
  plugins: Record<string, Part>;
  database: Part;
  sandbox: Part;
}

export interface LiveRun {
  run_id: string;
  lang: string;
  stage: string;
  position: number | null;
  age_ms: number;
  principal: string;
  session_id: string;
}

export interface KeyRecord {
  id: string;
  name: string;
  tenant: string;
  enabled: boolean;
  usage: Record<string, number>;
  last_used_at: string | null;
  source: string;
}

interface Reading {
  at: number;
  samples: Sample[];
}

const kEvery = 2000;
const kReadings = 150; // five minutes
const kWindow = 5; // readings that a latency is taken over

export const health = signal<HealthReport | null>(null);
export const runs = signal<LiveRun[]>([]);
export const keys = signal<KeyRecord[]>([]);
export const readings = signal<Reading[]>([]);
export const trouble = signal('');

const admin = (path: string) => `api/v1/admin/${path}`;

/** The detailed health is an answer also when it is 503. */
async function readHealth(): Promise<HealthReport> {
  try {
    return await askJson<HealthReport>(admin('health'));
  } catch (failure) {
    if (failure instanceof ApiError && failure.status === 503 && failure.body?.plugins)
      return failure.body as HealthReport;
    throw failure;
  }
}

export async function readKeys() {
  keys.value = await askJson<KeyRecord[]>(admin('keys'));
}

export async function readRuns() {
  runs.value = (await askJson<{ runs: LiveRun[] }>('runs')).runs;
}

/**
 * Each part by itself: one that does not answer leaves the others as they are. True when the key
 * was refused.
 */
async function look(withKeys: boolean): Promise<boolean> {
  const faults: string[] = [];
  let refused = false;
  const part = async <T>(ask: Promise<T>, take: (found: T) => void) => {
    try {
      take(await ask);
    } catch (failure) {
      faults.push((failure as Error).message);
      // Asking on with a key that is none would lock this address out.
      refused ||= failure instanceof ApiError && [401, 403, 429].includes(failure.status);
    }
  };
  await Promise.all([
    part(readHealth(), (told) => (health.value = told)),
    part(
      ask(admin('metrics')).then((response) => response.text()),
      (text) => {
        readings.value = [
          ...readings.value.slice(1 - kReadings),
          { at: Date.now(), samples: parseMetrics(text) },
        ];
      },
    ),
    part(readRuns(), () => {}),
    ...(withKeys ? [part(readKeys(), () => {})] : []),
  ]);
  trouble.value = faults.length
    ? `Not everything is up to date: ${[...new Set(faults)].join('; ')}.`
    : '';
  return refused;
}

let timer = 0;

export function startWatching() {
  let round = 0;
  const once = async () => {
    if (document.visibilityState === 'visible' && (await look(round++ % 5 === 0))) {
      trouble.value += ' Nothing more is asked for: sign out and in again.';
      return;
    }
    timer = window.setTimeout(once, kEvery);
  };
  void once();
}

export function stopWatching() {
  clearTimeout(timer);
  batch(() => {
    health.value = null;
    runs.value = [];
    keys.value = [];
    readings.value = [];
  });
}

export const latest = computed(() => readings.value.at(-1)?.samples ?? []);

/** For each reading what `measure` makes of it and one some readings earlier. */
function overTime(measure: (before: Reading, after: Reading) => number | null): (number | null)[] {
  const list = readings.value;
  return list.map((after, i) => (i === 0 ? null : measure(list[Math.max(0, i - kWindow)], after)));
}

const runsCode = (labels: Record<string, string>) => /^\/exec/.test(labels.route ?? '');

export const latencies = (share: number) =>
  overTime((before, after) =>
    quantile(
      buckets(before.samples, 'podium_request_seconds', runsCode),
      buckets(after.samples, 'podium_request_seconds', runsCode),
      share,
    ),
  );

export const rates = (name: string, filter: (labels: Record<string, string>) => boolean) =>
  overTime(
    (before, after) =>
      ((sum(after.samples, name, filter) - sum(before.samples, name, filter)) * 1000) /
      Math.max(1, after.at - before.at),
  );
