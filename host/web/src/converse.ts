// A run that can be typed to: the same events over a WebSocket, and input the other way. A
// connection that breaks ends the run: who types would not know what arrived.

import { ApiError, key } from './api';
import type { RunEvent } from './events';

export interface Conversation {
  type(text: string): void;
  endInput(): void;
  cancel(): void;
}

interface Listening {
  onEvent(event: RunEvent): void;
  onOpen(conversation: Conversation): void;
  signal: AbortSignal;
}

/** Runs to the end. Throws ApiError for a refusal and for a connection that breaks. */
export function converse(
  request: Record<string, unknown>,
  { onEvent, onOpen, signal }: Listening,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const address = new URL('exec/ws', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(address);
    const send = (message: Record<string, unknown>) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    };
    let ended = false;
    let begun = false;
    socket.onopen = () => {
      send({ type: 'run', ...request, ...(key.value && { api_key: key.value }) });
      onOpen({
        type: (data) => send({ type: 'stdin', data }),
        endInput: () => send({ type: 'eof' }),
        cancel: () => send({ type: 'cancel' }),
      });
    };
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data) as RunEvent;
      if (event.event === 'error' && !begun) {
        reject(
          new ApiError(event.data.status ?? 0, event.data.error ?? 'the server refused the run'),
        );
        return;
      }
      begun ||= event.event === 'start';
      ended ||= event.event === 'end';
      onEvent(event);
      if (ended) {
        socket.close();
        resolve();
      }
    };
    socket.onclose = ({ reason }) => {
      if (ended) return;
      reject(
        new ApiError(
          0,
          reason ||
            (begun
              ? 'the connection broke, and with it the run ended'
              : 'the server cannot be reached'),
        ),
      );
    };
    signal.addEventListener('abort', () => {
      socket.close();
      reject(signal.reason);
    });
  });
}
