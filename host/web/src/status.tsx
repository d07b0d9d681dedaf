// How the run goes, in words, and where its time went.

import { useEffect, useState } from 'preact/hooks';

import { sizeInWords, timeInWords, type ExecAnswer } from './api';
import {
  answer,
  began,
  isRunning,
  log,
  phase,
  position,
  refusal,
  stage,
  stages,
  took,
} from './run';

const kStages: Record<string, { now: string; past: string; colour: number }> = {
  queued: { now: 'Waiting for a free place', past: 'waiting', colour: 1 },
  staging: { now: 'Preparing', past: 'preparing', colour: 2 },
  compiling: { now: 'Compiling', past: 'compiling', colour: 3 },
  running: { now: 'Running', past: 'running', colour: 4 },
  collecting: { now: 'Collecting files', past: 'collecting files', colour: 5 },
};

const kEnds: Record<string, string> = {
  completed: 'Finished',
  failed: 'Ended with an error',
  timed_out: 'Stopped: out of time',
  out_of_memory: 'Stopped: out of memory',
  process_limit: 'Stopped: too many processes',
  output_limit: 'Stopped: too much output',
  disk_limit: 'Stopped: out of disk space',
  compile_error: 'It does not compile',
  cancelled: 'Stopped by you',
  signaled: 'Ended by a signal',
};

type Tone = 'idle' | 'busy' | 'good' | 'bad' | 'wait';

function ending(result: ExecAnswer): [Tone, string] {
  const words = kEnds[result.status] ?? result.status;
  const tone =
    result.status === 'completed' ? 'good' : result.status === 'cancelled' ? 'wait' : 'bad';
  if (result.status === 'failed' && result.code !== null)
    return [tone, `${words} (exit code ${result.code})`];
  if (result.status === 'signaled' && result.signal) return [tone, `${words} (${result.signal})`];
  return [tone, words];
}

function now(): [Tone, string] {
  switch (phase.value) {
    case 'none':
      return ['idle', 'Ready'];
    case 'sending':
      return ['busy', 'Sending'];
    case 'broken':
      return ['wait', 'Connection lost – looking for the run again'];
    case 'stopping':
      return ['wait', 'Stopping'];
    case 'refused':
      return ['bad', 'Not run'];
    case 'lost':
      return ['bad', 'Lost'];
    case 'ended':
      return ending(answer.value!);
    case 'live': {
      const words = kStages[stage.value]?.now ?? 'Running';
      const place =
        stage.value === 'queued' && position.value ? ` – number ${position.value} in line` : '';
      return ['busy', words + place];
    }
  }
}

export function Status() {
  const [tone, words] = now();
  const detail = ['refused', 'lost'].includes(phase.value)
    ? refusal.value
    : phase.value === 'ended'
      ? answer.value?.message
      : '';
  return (
    <div class="status">
      <div class={`state ${tone}`}>
        <span class="dot" aria-hidden="true" />
        <strong id="status">{words}</strong>
        <Clock />
      </div>
      {detail && <p class={tone === 'bad' ? 'detail bad' : 'detail'}>{detail}</p>}
      <Timing />
      <p class="unseen" role="status" aria-live="polite">
        {spoken(words)}
      </p>
    </div>
  );
}

/**
 * What a screen reader says: the end with the beginning of the output, as nobody wants every line
 * read.
 */
function spoken(words: string): string {
  if (phase.value !== 'ended') return phase.value === 'none' ? '' : words;
  const beginning = log.value.beginning(300).trim();
  const output = beginning ? `Output: ${beginning}` : 'No output.';
  return `${words} after ${timeInWords(took.value)}. ${output}`;
}

function Clock() {
  const [, tick] = useState(0);
  const running = isRunning();
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 100);
    return () => clearInterval(timer);
  }, [running]);
  if (phase.value === 'none') return null;
  const ms = running ? performance.now() - began.value : took.value;
  return <span class="clock">{running ? `${(ms / 1000).toFixed(1)} s` : timeInWords(ms)}</span>;
}

/** A bar of the stages, once it is over, with what each took. */
function Timing() {
  const result = answer.value;
  const seen = stages.value;
  if (phase.value !== 'ended' || !result || seen.length === 0) return null;
  const end = Math.max(took.value, seen.at(-1)!.at);
  const parts = seen.map(({ stage: name, at }, i) => ({
    name,
    ms: Math.max(0, (seen[i + 1]?.at ?? end) - at),
  }));
  const total = parts.reduce((sum, part) => sum + part.ms, 0) || 1;
  return (
    <div class="timing">
      <svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
        {parts.map((part, i) => {
          const before = parts.slice(0, i).reduce((sum, one) => sum + one.ms, 0);
          return (
            <rect
              key={i}
              class={`stage-${kStages[part.name]?.colour ?? 1}`}
              x={(before / total) * 1000}
              y="0"
              height="8"
              width={(part.ms / total) * 1000}
            />
          );
        })}
      </svg>
      <ul aria-label="Time by stage">
        {parts.map((part, i) => (
          <li key={i}>
            <span class={`swatch stage-${kStages[part.name]?.colour ?? 1}`} aria-hidden="true" />
            {kStages[part.name]?.past ?? part.name} <b>{timeInWords(part.ms)}</b>
          </li>
        ))}
        {result.memory_peak ? (
          <li>
            memory <b>{sizeInWords(result.memory_peak)}</b>
          </li>
        ) : null}
        {result.cpu_time ? (
          <li>
            processor <b>{timeInWords(result.cpu_time)}</b>
          </li>
        ) : null}
        {result.unenforced_limits?.length ? (
          <li>
            not limited on this server <b>{result.unenforced_limits.join(', ')}</b>
          </li>
        ) : null}
      </ul>
    </div>
  );
}
