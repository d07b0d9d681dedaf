// The run of this tab: what is asked for, what has been seen of it.

import { batch, signal } from '@preact/signals';

import { ApiError, ask, key, type ExecAnswer, type FileReference } from './api';
import { converse, type Conversation } from './converse';
import { follow, type RunEvent } from './events';
import { OutputLog } from './log';

export type Phase =
  'none' | 'sending' | 'live' | 'broken' | 'stopping' | 'ended' | 'refused' | 'lost';

export interface StageTime {
  stage: string;
  at: number; // ms since the start
}

export const phase = signal<Phase>('none');
export const stage = signal('');
export const position = signal(0);
export const stages = signal<StageTime[]>([]);
export const files = signal<FileReference[]>([]);
export const answer = signal<ExecAnswer | null>(null);
export const refusal = signal('');
export const log = signal(new OutputLog());
export const began = signal(0);
export const took = signal(0);
/** While a run can be typed to. */
export const conversation = signal<Conversation | null>(null);
/** Of the last run, for the next one to continue. */
export const session = signal('');

let controller = new AbortController();
let runId = '';

export const isRunning = () => ['sending', 'live', 'broken', 'stopping'].includes(phase.value);

function reset() {
  batch(() => {
    phase.value = 'sending';
    stage.value = '';
    position.value = 0;
    stages.value = [];
    files.value = [];
    answer.value = null;
    refusal.value = '';
    log.value = new OutputLog();
    began.value = performance.now();
    took.value = 0;
  });
  runId = '';
  controller = new AbortController();
}

export async function run(request: Record<string, unknown>, typing = false) {
  if (isRunning()) return;
  reset();
  try {
    if (typing) {
      await converse(request, {
        onEvent: take,
        onOpen: (opened) => (conversation.value = opened),
        signal: controller.signal,
      });
      return;
    }
    await follow(request, {
      onEvent: take,
      onBroken: (broken) => {
        if (phase.value !== 'stopping') phase.value = broken ? 'broken' : 'live';
      },
      signal: controller.signal,
    });
  } catch (failure) {
    refuse(failure);
  } finally {
    conversation.value = null;
  }
}

function take({ event, data }: RunEvent) {
  batch(() => {
    switch (event) {
      case 'start':
        runId = data.run_id;
        phase.value = 'live';
        break;
      case 'status':
        stage.value = data.stage;
        position.value = data.position ?? 0;
        if (stages.value.at(-1)?.stage !== data.stage) {
          stages.value = [...stages.value, { stage: data.stage, at: data.at_ms }];
        }
        break;
      case 'stdout':
      case 'stderr':
        log.value.add(event, data.text);
        break;
      case 'dropped':
        log.value.add(
          'stderr',
          `\n[${data.bytes} bytes of ${data.stream} were left out: this page read too slowly]\n`,
        );
        break;
      case 'error': // a message of ours that was not taken; the run goes on
        log.value.add('stderr', `\n[the server did not take that: ${data.error}]\n`);
        break;
      case 'file':
        files.value = [...files.value, data];
        break;
      case 'end':
        finish(data);
        break;
    }
  });
}

function finish(result: ExecAnswer) {
  answer.value = result;
  files.value = result.files ?? [];
  session.value = result.session_id || session.value;
  took.value = performance.now() - began.value;
  phase.value = 'ended';
}

function refuse(failure: unknown) {
  batch(() => {
    took.value = performance.now() - began.value;
    phase.value = runId ? 'lost' : 'refused';
    if (controller.signal.aborted) {
      refusal.value = 'Stopped.';
    } else if (failure instanceof ApiError) {
      refusal.value = inWords(failure);
    } else {
      refusal.value = `This page has a fault: ${failure}`;
      throw failure;
    }
  });
}

export function inWords(failure: ApiError): string {
  if (failure.status === 401)
    return `The key is not valid (any more): ${failure.message}. Sign out and in again.`;
  const sentence = failure.message.charAt(0).toUpperCase() + failure.message.slice(1);
  const after = failure.retryAfterSeconds ? ` Try again in ${failure.retryAfterSeconds} s.` : '';
  return `${sentence.replace(/\.$/, '')}.${after}`;
}

/** Ends the run. Its last event still comes, with what it had printed and saved. */
export async function stop() {
  if (!isRunning()) return;
  if (!runId) {
    controller.abort();
    return;
  }
  phase.value = 'stopping';
  if (conversation.value) {
    conversation.value.cancel();
    return;
  }
  try {
    await ask(`runs/${encodeURIComponent(runId)}`, { method: 'DELETE' });
  } catch (failure) {
    // 404: it has ended by itself, and `end` is on its way.
    if (!(failure instanceof ApiError && failure.status === 404)) controller.abort();
  }
}

/** Forgets everything: for signing out. */
export function forget() {
  controller.abort();
  key.value = '';
  batch(() => {
    phase.value = 'none';
    log.value = new OutputLog();
    files.value = [];
    answer.value = null;
    session.value = '';
  });
}
