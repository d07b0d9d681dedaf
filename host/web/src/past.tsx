import { useEffect, useRef } from 'preact/hooks';

import { clear, forgetOne, past, type Past } from './history';
import { titleOf } from './languages';

interface Props {
  open: boolean;
  onClose(): void;
  onChoose(one: Past): void;
}

/** The programs that were run from this browser. */
export function PastPrograms({ open, onClose, onChoose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current!.showModal();
    else dialog.current!.close();
  }, [open]);
  return (
    <dialog
      class="past"
      ref={dialog}
      onClose={onClose}
      aria-labelledby="past-title"
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="inside">
        <header>
          <h2 id="past-title">History</h2>
          <button type="button" class="button plain small" onClick={onClose}>
            Close
          </button>
        </header>
        <p class="hint">
          Code that you ran from this browser. It is kept here only; output and files are not.
        </p>
        {past.value.length === 0 && <p class="nothing">Nothing yet.</p>}
        <ol>
          {past.value.map((one) => (
            <li key={one.at + one.lang}>
              <button type="button" class="choose" onClick={() => onChoose(one)}>
                <span class="soft">
                  {titleOf(one.lang)} ·{' '}
                  {new Date(one.at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}
                </span>
                <code>{one.code.trim().split('\n').slice(0, 3).join('\n')}</code>
              </button>
              <button
                type="button"
                class="button plain small"
                onClick={() => forgetOne(one)}
                aria-label="Remove this one"
              >
                ✕
              </button>
            </li>
          ))}
        </ol>
        {past.value.length > 0 && (
          <button type="button" class="button small" onClick={clear}>
            Clear the history
          </button>
        )}
      </div>
    </dialog>
  );
}
