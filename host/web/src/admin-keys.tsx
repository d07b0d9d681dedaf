import { useState } from 'preact/hooks';

import { ask, sendJson } from './api';
import { visible } from './text';
import { keys, readKeys, type KeyRecord } from './watch';

const path = (id: string) => `api/v1/admin/keys/${encodeURIComponent(id)}`;

export function KeysCard() {
  const [name, setName] = useState('');
  const [made, setMade] = useState('');
  const [why, setWhy] = useState('');

  const act = async (work: () => Promise<unknown>) => {
    setWhy('');
    try {
      await work();
      await readKeys();
    } catch (failure) {
      setWhy((failure as Error).message);
    }
  };
  const create = (event: Event) => {
    event.preventDefault();
    void act(async () => {
      const { api_key: fresh } = await sendJson<{ api_key: string }>('POST', 'api/v1/admin/keys', {
        name: name.trim(),
      });
      setMade(fresh);
      setName('');
    });
  };
  return (
    <section class="card pad wide">
      <h2>Keys</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Keys">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">State</th>
              <th scope="col">Runs today</th>
              <th scope="col">This month</th>
              <th scope="col">Last used</th>
              <th scope="col">
                <span class="unseen">What to do</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.value.map((one) => (
              <Row key={one.id} one={one} act={act} />
            ))}
          </tbody>
        </table>
      </div>
      <form class="line" onSubmit={create}>
        <label for="key-name" class="unseen">
          Name of a new key
        </label>
        <input
          id="key-name"
          type="text"
          placeholder="Name of a new key"
          maxLength={64}
          autocomplete="off"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button class="button" disabled={name.trim() === ''}>
          Make a key
        </button>
      </form>
      {made && (
        <p class="notice calm" role="status">
          The new key, shown only now: <code class="fresh">{made}</code>{' '}
          <button type="button" class="button small" onClick={() => setMade('')}>
            I have it
          </button>
        </p>
      )}
      {why && (
        <p class="notice" role="alert">
          {why}
        </p>
      )}
    </section>
  );
}

function Row({ one, act }: { one: KeyRecord; act(work: () => Promise<unknown>): void }) {
  const [sure, setSure] = useState(false);
  return (
    <tr class={one.enabled ? '' : 'off'}>
      <th scope="row">
        {visible(one.name)} {one.name !== one.id && <small class="soft">{visible(one.id)}</small>}
      </th>
      <td>{one.enabled ? 'valid' : 'disabled'}</td>
      <td>{one.usage.day ?? 0}</td>
      <td>{one.usage.month ?? 0}</td>
      <td>
        {one.last_used_at
          ? new Date(one.last_used_at).toLocaleString([], {
              dateStyle: 'medium',
              timeStyle: 'short',
            })
          : '–'}
      </td>
      <td class="acts">
        <button
          type="button"
          class="button small"
          onClick={() => act(() => sendJson('PATCH', path(one.id), { enabled: !one.enabled }))}
          aria-label={`${one.enabled ? 'Disable' : 'Enable'} ${visible(one.name)}`}
        >
          {one.enabled ? 'Disable' : 'Enable'}
        </button>
        {one.source === 'database' && (
          <button
            type="button"
            class={sure ? 'button small stop' : 'button small'}
            onBlur={() => setSure(false)}
            onClick={() =>
              sure ? act(() => ask(path(one.id), { method: 'DELETE' })) : setSure(true)
            }
            aria-label={`${sure ? 'Really delete' : 'Delete'} ${visible(one.name)}`}
          >
            {sure ? 'Really delete?' : 'Delete'}
          </button>
        )}
      </td>
    </tr>
  );
}
