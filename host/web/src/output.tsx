import { useEffect, useRef } from 'preact/hooks';

import { save, sizeInWords } from './api';
import { LogView } from './log';
import { isRunning, log, phase } from './run';

/** What the program printed. Not announced while it grows: the status line says how the run goes. */
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
      <div class="log" role="log" aria-live="off" aria-label="What the program printed" tabIndex={0} ref={box} />
      {quiet && <p class="hint">It printed nothing.</p>}
      {over && current.characters > 0 && (
        <div class="under">
          <button type="button" class="button plain small" onClick={() => save(current.asBlob(), 'output.txt')}>
            Save as text <span class="soft">{sizeInWords(current.asBlob().size)}</span>
          </button>
        </div>
      )}
    </section>
  );
}
