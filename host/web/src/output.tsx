import { useEffect, useRef, useState } from 'preact/hooks';

import { save, sizeInWords } from './api';
import { LogView } from './log';
import type { Conversation } from './converse';
import { conversation, isRunning, log, phase } from './run';

/**
 * What the program printed. Not announced while it grows: the status line says how the run goes.
 */
export function Output() {
  const box = useRef<HTMLDivElement>(null);
  const current = log.value;

  useEffect(() => {
    const view = new LogView(box.current!, current);
    return () => view.stop();
  }, [current]);

  const over = !isRunning() && phase.value !== 'none';
  const quiet = over && phase.value === 'ended' && current.characters === 0;
  return (
    <section class="printed" aria-label="Output">
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label="What the program printed"
        tabIndex={0}
        ref={box}
      />
      {conversation.value && <Typing to={conversation.value} />}
      {quiet && <p class="hint">It printed nothing.</p>}
      {over && current.characters > 0 && (
        <div class="under">
          <button
            type="button"
            class="button plain small"
            onClick={() => save(current.asBlob(), 'output.txt')}
          >
            Save as text <span class="soft">{sizeInWords(current.characters)}</span>
          </button>
        </div>
      )}
    </section>
  );
}

/** A line of input at a time. It is shown among the output, where a terminal would have it. */
function Typing({ to }: { to: Conversation }) {
  const [line, setLine] = useState('');
  const [over, setOver] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      class="typing"
      onSubmit={(event) => {
        event.preventDefault();
        to.type(`${line}\n`);
        log.value.add('typed', `${line}\n`);
        setLine('');
      }}
    >
      <label class="unseen" for="typed">
        Input for the program
      </label>
      <input
        id="typed"
        type="text"
        ref={field}
        autocomplete="off"
        spellcheck={false}
        disabled={over}
        value={line}
        placeholder="Input for the program, a line at a time"
        onInput={(event) => setLine(event.currentTarget.value)}
      />
      <button class="button small" disabled={over}>
        Send
      </button>
      <button
        type="button"
        class="button small"
        disabled={over}
        onClick={() => {
          to.endInput();
          setOver(true);
        }}
      >
        End of input
      </button>
    </form>
  );
}
