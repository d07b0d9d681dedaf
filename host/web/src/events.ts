// Server-sent events of a run, read from a fetch: EventSource can neither POST nor send a key.

import { ApiError, askJson, errorOf, withKey, type ExecAnswer } from './api';

export interface RunEvent {
  id: number;
  event: string;
  data: any;
}

/** Takes text as it arrives and gives out whole events (the format of the HTML standard, 9.2.6). */
export class EventParser {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];

  constructor(private readonly each: (event: RunEvent) => void) {}

  push(text: string) {
    const lines = (this.rest + text).split(/\r\n|\n/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  private line(line: string) {
    if (line === '') {
      if (this.data.length) {
        this.each({
          id: Number(this.id),
          event: this.event || 'message',
          data: JSON.parse(this.data.join('\n')),
        });
      }
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment: the connection is alive
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') this.id = value;
    if (name === 'event') this.event = value;
    if (name === 'data') this.data.push(value);
  }
}

const kReattachSeconds = 60;

export interface Following {
  onEvent(event: RunEvent): void;
  /** The connection has broken and is looked for again (true), or is back (false). */
  onBroken(broken: boolean): void;
  signal: AbortSignal;
}

/**
 * Starts a run and hands on its events until `end`. A connection that breaks is taken up again for
 * a minute. Throws ApiError for a refusal, and when the run is lost.
 */
export async function follow(
  body: unknown,
  { onEvent, onBroken, signal }: Following,
): Promise<void> {
  let lastId = 0;
  let runId = '';
  let ended = false;
  const take = (event: RunEvent) => {
    if (event.id <= lastId) return; // already had before the connection broke
    lastId = event.id;
    if (event.event === 'start') runId = event.data.run_id;
    ended ||= event.event === 'end';
    onEvent(event);
  };

  let response: Response;
  try {
    response = await fetch(`exec/stream?reattach=${kReattachSeconds}s`, {
      method: 'POST',
      cache: 'no-store',
      headers: withKey({ 'Content-Type': 'application/json', Accept: 'text/event-stream' }),
      body: JSON.stringify(body),
      signal,
    });
  } catch (failure) {
    if (signal.aborted) throw failure;
    throw new ApiError(0, 'the server cannot be reached');
  }
  if (!response.ok) throw await errorOf(response);
  await read(response, take, signal);

  let brokenAt = performance.now();
  let pause = 250;
  while (!ended) {
    if (!runId) throw new ApiError(0, 'the connection broke before the run had begun');
    if (performance.now() - brokenAt > kReattachSeconds * 1000) {
      throw new ApiError(0, 'the connection broke and could not be taken up again within a minute');
    }
    onBroken(true);
    await new Promise((resolve) => setTimeout(resolve, pause));
    signal.throwIfAborted();
    pause = Math.min(pause * 1.6, 3000);
    let again: Response;
    try {
      again = await fetch(`runs/${encodeURIComponent(runId)}/events`, {
        cache: 'no-store',
        headers: withKey({ 'Last-Event-ID': String(lastId), Accept: 'text/event-stream' }),
        signal,
      });
    } catch (failure) {
      if (signal.aborted) throw failure;
      continue;
    }
    if (again.status === 204 || again.status === 404) {
      take({ id: lastId + 1, event: 'end', data: await endOf(runId) });
      return;
    }
    if (again.status === 503) continue; // it is just starting
    if (!again.ok) throw await errorOf(again);
    onBroken(false);
    const before = lastId;
    await read(again, take, signal);
    if (lastId > before) {
      brokenAt = performance.now();
      pause = 250;
    }
  }
}

/** What came of a run that has ended; it is kept for a minute. */
async function endOf(runId: string): Promise<ExecAnswer> {
  try {
    const { end } = await askJson<{ end?: ExecAnswer }>(`runs/${encodeURIComponent(runId)}`);
    if (end) return end;
  } catch (failure) {
    if (!(failure instanceof ApiError && failure.status === 404)) throw failure;
  }
  throw new ApiError(
    404,
    'the server does not know this run any more: it was started anew meanwhile, or the run ended ' +
      'long ago',
  );
}

/** Reads until the end of the body; a connection that breaks ends it as well. */
async function read(response: Response, each: (event: RunEvent) => void, signal: AbortSignal) {
  const parser = new EventParser(each);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let since = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.push(value);
      // As long as there is more, reading goes on within one task, and the page would stand still.
      if (performance.now() - since > 30) {
        await new Promise((resolve) => setTimeout(resolve));
        since = performance.now();
      }
    }
  } catch (failure) {
    if (signal.aborted) throw failure;
    if (failure instanceof SyntaxError)
      throw new ApiError(0, 'the server sent an event that is no JSON');
  }
}
