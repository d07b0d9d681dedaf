// Code on one side, what comes of it on the other.

import { useSignal, type Signal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import { sizeInWords, type Language, type Start } from './api';
import { Editor } from './editor';
import { remember } from './history';
import { sampleOf, titleOf } from './languages';
import { Output } from './output';
import { PastPrograms } from './past';
import { Results } from './results';
import { files, isRunning, phase, run, session, stop } from './run';
import { Status } from './status';
import { visible } from './text';
import { attach, detach, isSending, references, uploads, type Upload } from './uploads';

interface Props {
  start: Start;
  historyOpen: Signal<boolean>;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export function Workbench({ start, historyOpen }: Props) {
  const languages = start.languages ?? [];
  const lang = useSignal(languages[0]?.name ?? '');
  const texts = useSignal<Record<string, string>>({});
  const stdin = useSignal('');
  const args = useSignal('');
  const keep = useSignal(false);
  const typing = useSignal(false);
  const chosen = useSignal(0); // programs taken from the history
  const text = texts.value[lang.value] ?? sampleOf(lang.value);
  const setTextOf = (of: string, to: string) => (texts.value = { ...texts.value, [of]: to });

  const begin = () => {
    if (isRunning() || isSending() || text.trim() === '') return;
    remember(lang.value, text);
    void run(
      {
        lang: lang.value,
        code: text,
        files: references(),
        ...(stdin.value && !typing.value && { stdin: stdin.value }),
        ...(args.value.trim() && { args: args.value }),
        ...(keep.value && session.value && { session_id: session.value }),
      },
      typing.value,
    );
  };

  if (languages.length === 0) {
    return (
      <p class="notice alone" role="alert">
        No language can be used on this server. “podium languages” tells there what is missing.
      </p>
    );
  }
  return (
    <div class="bench">
      <h1 class="unseen">Run code</h1>
      <section class="card code" aria-label="Program">
        <div class="bar-above">
          <label class="unseen" for="language">
            Language
          </label>
          <select
            id="language"
            value={lang.value}
            onChange={(event) => (lang.value = event.currentTarget.value)}
          >
            {languages.map((one: Language) => (
              <option key={one.name} value={one.name}>
                {titleOf(one.name)}
              </option>
            ))}
          </select>
          <span class="stretch" />
          <RunButton begin={begin} ready={text.trim() !== '' && !isSending()} />
        </div>
        <Editor
          lang={lang.value}
          text={text}
          revision={`${lang.value} ${chosen.value}`}
          onText={(to) => setTextOf(lang.value, to)}
          onRun={begin}
        />
        <Attachments most={start.max_upload ?? Infinity} />
        <details class="more">
          <summary>
            Input and arguments
            {stdin.value || args.value || typing.value ? <span class="mark"> in use</span> : null}
          </summary>
          <div class="fields">
            <label class="check" hidden={!start.interactive}>
              <input
                type="checkbox"
                checked={typing.value}
                onChange={(event) => (typing.value = event.currentTarget.checked)}
              />
              Type input while the program runs
            </label>
            <div class="field" hidden={typing.value}>
              <label for="stdin">Standard input</label>
              <textarea
                id="stdin"
                rows={3}
                spellcheck={false}
                value={stdin.value}
                onInput={(event) => (stdin.value = event.currentTarget.value)}
              />
            </div>
            <div class="field">
              <label for="args">Arguments, as in a shell</label>
              <input
                id="args"
                type="text"
                spellcheck={false}
                autocomplete="off"
                value={args.value}
                onInput={(event) => (args.value = event.currentTarget.value)}
              />
            </div>
          </div>
        </details>
      </section>
      <section class="card result" aria-label="Result" aria-busy={isRunning()}>
        <Status />
        {phase.value === 'none' ? <Welcome /> : <Output />}
        <Results />
        {session.value && phase.value === 'ended' && files.value.length > 0 && (
          <label class="keep check">
            <input
              type="checkbox"
              checked={keep.value}
              onChange={(event) => (keep.value = event.currentTarget.checked)}
            />
            Let the next run find these files
          </label>
        )}
      </section>
      <PastPrograms
        open={historyOpen.value}
        onClose={() => (historyOpen.value = false)}
        onChoose={(one) => {
          historyOpen.value = false;
          if (languages.some(({ name }) => name === one.lang)) lang.value = one.lang;
          setTextOf(lang.value, one.code);
          chosen.value += 1;
        }}
      />
    </div>
  );
}

function RunButton({ begin, ready }: { begin(): void; ready: boolean }) {
  if (isRunning()) {
    return (
      <button
        type="button"
        class="button stop"
        onClick={stop}
        disabled={phase.value === 'stopping'}
      >
        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
          <rect width="12" height="12" rx="2" fill="currentColor" />
        </svg>
        Stop
      </button>
    );
  }
  return (
    <button
      type="button"
      class="button main"
      onClick={begin}
      disabled={!ready}
      aria-keyshortcuts="Control+Enter Meta+Enter"
    >
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d="M2 0.8v10.4L11 6z" fill="currentColor" />
      </svg>
      Run <kbd aria-hidden="true">{isMac ? '⌘' : 'Ctrl'} ↵</kbd>
    </button>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <p>
        Press <b>Run</b> and what the program prints appears here while it is made.
      </p>
      <p>
        Files that it saves in <code>/mnt/data</code> follow: plots and tables are shown, everything
        can be downloaded. Files that you attach are in the same folder.
      </p>
    </div>
  );
}

function Attachments({ most }: { most: number }) {
  const chooser = useRef<HTMLInputElement>(null);
  const over = useSignal(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    over.value = false;
    if (event.dataTransfer) attach(event.dataTransfer.files, most);
  };
  return (
    <div
      class={over.value ? 'attach over' : 'attach'}
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => (over.value = false)}
      onDrop={drop}
    >
      {uploads.value.length > 0 && (
        <ul aria-label="Attached files">
          {uploads.value.map((one) => (
            <Attached key={one.id} one={one} />
          ))}
        </ul>
      )}
      <p>
        <button type="button" class="button small" onClick={() => chooser.current!.click()}>
          Attach files
        </button>
        <span class="hint">or drop them here</span>
      </p>
      <input
        ref={chooser}
        id="attach"
        type="file"
        multiple
        class="unseen"
        tabIndex={-1}
        aria-label="Files to attach"
        onChange={(event) => {
          attach([...(event.currentTarget.files ?? [])], most);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

function Attached({ one }: { one: Upload }) {
  const percent = one.size ? Math.round((one.sent / one.size) * 100) : 100;
  return (
    <li class={one.state}>
      <span class="name">{visible(one.name)}</span>
      {one.state === 'sending' && (
        <progress max={100} value={percent} aria-label={`Sending ${visible(one.name)}`} />
      )}
      <span class="soft" role={one.state === 'failed' ? 'alert' : undefined}>
        {one.state === 'failed'
          ? `not attached: ${one.why}`
          : one.state === 'sending'
            ? `${percent} %`
            : sizeInWords(one.size)}
      </span>
      <button
        type="button"
        class="button plain small"
        onClick={() => detach(one.id)}
        aria-label={`Remove ${visible(one.name)}`}
      >
        ✕
      </button>
    </li>
  );
}
