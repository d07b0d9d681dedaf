// The page to run code.

import './theme.css';
import './page.css';

import { signal } from '@preact/signals';
import { render } from 'preact';

import { askJson, key, type Start } from './api';
import { forget } from './run';
import { SignIn } from './signin';
import { Top } from './top';
import { uploads } from './uploads';
import { Workbench } from './workbench';

const start = signal<Start | null>(null);
const unreachable = signal('');
const historyOpen = signal(false);

async function enter() {
  start.value = await askJson<Start>('page');
}

function signOut() {
  forget();
  uploads.value = [];
  start.value = { ...start.value!, signed_in: false };
}

function Page() {
  const known = start.value;
  return (
    <>
      <Top about="Run code, see what comes of it">
        {known?.signed_in && (
          <button type="button" class="button plain" onClick={() => (historyOpen.value = true)}>
            History
          </button>
        )}
        {known?.signed_in && key.value && (
          <button type="button" class="button plain" onClick={signOut}>
            Sign out
          </button>
        )}
      </Top>
      <main>
        {unreachable.value && (
          <p class="notice alone" role="alert">
            {unreachable.value}
          </p>
        )}
        {known && !known.signed_in && (
          <SignIn
            title="Sign in to run code"
            label="API key"
            enter={enter}
            about={
              'Write a program, run it on this server in a sandbox of its own, ' +
              'and see its output, plots and files at once.'
            }
          />
        )}
        {known?.signed_in && <Workbench start={known} historyOpen={historyOpen} />}
      </main>
    </>
  );
}

render(<Page />, document.getElementById('page')!);
enter().catch((failure) => {
  unreachable.value = `This page could not begin: ${failure.message}. Reload it to try again.`;
});
