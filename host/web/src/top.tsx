// What stands above both pages: the name, light or dark, the way out.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

const kTheme = 'podium.theme';

function stored(): string {
  try {
    return localStorage.getItem(kTheme) ?? '';
  } catch {
    return '';
  }
}

const theme = signal(stored());
if (theme.value) document.documentElement.dataset.theme = theme.value;

const isDark = () =>
  (theme.value || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) ===
  'dark';

function changeTheme() {
  theme.value = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem(kTheme, theme.value);
  } catch {
    // For this tab only, then.
  }
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path
        d="M7 22h18M10 18h12M13 14h6"
        stroke="var(--accent-ink)"
        stroke-width="3"
        stroke-linecap="round"
      />
    </svg>
  );
}

export function Top({ about, children }: { about?: string; children?: ComponentChildren }) {
  return (
    <header class="top">
      <a class="brand" href="./" title="To the page to run code">
        <Mark />
        <span>Podium</span>
        {about && <small>{about}</small>}
      </a>
      {children}
      <button
        type="button"
        class="button plain"
        onClick={changeTheme}
        aria-label={isDark() ? 'Light colours' : 'Dark colours'}
      >
        <svg
          width="18"
          height="18"
          viewBox="0 0 24 24"
          aria-hidden="true"
          fill="none"
          stroke="currentColor"
          stroke-width="2"
        >
          <circle cx="12" cy="12" r="8" />
          <path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" stroke="none" />
        </svg>
      </button>
    </header>
  );
}
