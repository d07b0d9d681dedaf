// Code that was run from this browser. Only code: no output, no key, no names of files.

import { signal } from '@preact/signals';

export interface Past {
  lang: string;
  code: string;
  at: number;
}

const kName = 'podium.history';
const kMost = 60;
const kCharacters = 1_000_000;

function read(): Past[] {
  try {
    const found = JSON.parse(localStorage.getItem(kName) ?? '[]');
    return Array.isArray(found)
      ? found.filter((one) => typeof one?.code === 'string' && typeof one?.lang === 'string')
      : [];
  } catch {
    return []; // no storage in this browser, or not ours: an empty history
  }
}

export const past = signal<Past[]>(read());

function write(list: Past[]) {
  past.value = list;
  try {
    localStorage.setItem(kName, JSON.stringify(list));
  } catch {
    // Full or switched off: the history then lasts as long as this tab.
  }
}

export function remember(lang: string, code: string) {
  const list = [
    { lang, code, at: Date.now() },
    ...past.value.filter((one) => one.lang !== lang || one.code !== code),
  ];
  let characters = 0;
  write(list.slice(0, kMost).filter((one) => (characters += one.code.length) <= kCharacters));
}

export const forgetOne = (gone: Past) => write(past.value.filter((one) => one !== gone));

export function clear() {
  past.value = [];
  try {
    localStorage.removeItem(kName);
  } catch {
    // There was none.
  }
}
