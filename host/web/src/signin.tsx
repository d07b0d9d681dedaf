import { useState } from 'preact/hooks';

import { ApiError, key } from './api';

interface Props {
  title: string;
  about: string;
  label: string;
  /** Tries the key that is set; throws ApiError when it is none. */
  enter(): Promise<void>;
}

/** Asks for a key, which stays in this tab's memory. */
export function SignIn({ title, about, label, enter }: Props) {
  const [given, setGiven] = useState('');
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWhy('');
    key.value = given.trim();
    try {
      await enter();
    } catch (failure) {
      key.value = '';
      if (!(failure instanceof ApiError)) throw failure;
      setWhy(
        failure.status === 401 || failure.status === 403
          ? 'That key is not valid here. Look for spaces or missing characters.'
          : `${failure.message.charAt(0).toUpperCase()}${failure.message.slice(1)}.`,
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="card sign-in" onSubmit={submit}>
      <h1>{title}</h1>
      <p>{about}</p>
      <div class="field">
        <label for="key">{label}</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="sk-…"
          required
          autofocus
          aria-invalid={why !== ''}
          aria-describedby="key-note"
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
      </div>
      {why && (
        <p class="notice" role="alert">
          {why}
        </p>
      )}
      <button class="button main" disabled={busy || given.trim() === ''}>
        {busy ? 'One moment…' : 'Sign in'}
      </button>
      <p class="hint" id="key-note">
        The key stays in the memory of this tab. It is not stored; closing or reloading the tab
        forgets it.
      </p>
    </form>
  );
}
