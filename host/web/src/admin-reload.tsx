import { useState } from 'preact/hooks';

import { ApiError, askJson } from './api';
import { visible } from './text';

interface Change {
  key: string;
  from: unknown;
  to: unknown;
  needs_restart: boolean;
}

interface Report {
  ok?: boolean;
  message?: string;
  generation?: number;
  changes?: Change[];
}

/** What the configuration file says that is not at work yet, and the way to put it to work. */
export function ReloadCard() {
  const [report, setReport] = useState<Report | null>(null);
  const [done, setDone] = useState('');
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);

  const act = async (path: string, then: (report: Report) => void) => {
    setBusy(true);
    setWhy('');
    setDone('');
    try {
      then(await askJson<Report>(`api/v1/admin/${path}`, { method: 'POST' }));
    } catch (failure) {
      setReport(null);
      const body = failure instanceof ApiError ? (failure.body as Report | undefined) : undefined;
      setWhy(body?.message ?? (failure as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const changes = report?.changes ?? [];
  return (
    <section class="card pad wide">
      <h2>Configuration</h2>
      <p class="hint">
        The file is read again without a run being disturbed. A file with a fault changes nothing.
      </p>
      <p class="line">
        <button
          type="button"
          class="button"
          disabled={busy}
          onClick={() => act('config/diff', setReport)}
        >
          What would change?
        </button>
        <button
          type="button"
          class="button main"
          disabled={busy}
          onClick={() =>
            act('reload', (answer) => {
              setReport(answer);
              setDone(
                answer.message || `Reloaded: configuration no. ${answer.generation} is at work.`,
              );
            })
          }
        >
          Reload
        </button>
      </p>
      {done && <p role="status">{done}</p>}
      {why && (
        <p class="notice" role="alert">
          {visible(why)}
        </p>
      )}
      {report && changes.length === 0 && !done && (
        <p role="status">Nothing: what the file says is at work.</p>
      )}
      {changes.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Changes">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Option</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Takes effect</th>
              </tr>
            </thead>
            <tbody>
              {changes.map((change) => (
                <tr key={change.key}>
                  <th scope="row">
                    <code>{visible(change.key)}</code>
                  </th>
                  <td>
                    <code>{told(change.from)}</code>
                  </td>
                  <td>
                    <code>{told(change.to)}</code>
                  </td>
                  <td class={change.needs_restart ? 'bad' : ''}>
                    {change.needs_restart ? 'at the next start' : 'with a reload'}
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

const told = (value: unknown) =>
  value === undefined || value === null ? '–' : visible(JSON.stringify(value)).slice(0, 400);
