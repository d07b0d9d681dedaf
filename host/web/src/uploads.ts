// Files that go along with the code. XMLHttpRequest, because fetch does not tell how far it is.

import { signal } from '@preact/signals';

import { withKey, type FileReference } from './api';

export interface Upload {
  id: number;
  name: string;
  size: number;
  sent: number;
  state: 'sending' | 'there' | 'failed';
  why?: string;
  reference?: FileReference;
}

export const uploads = signal<Upload[]>([]);
const requests = new Map<number, XMLHttpRequest>();
let next = 1;

function update(id: number, change: Partial<Upload>) {
  uploads.value = uploads.value.map((one) => (one.id === id ? { ...one, ...change } : one));
}

export function attach(list: Iterable<File>, most: number) {
  for (const file of list) {
    const id = next++;
    // The same name again replaces the file, as it would in the program's folder.
    for (const old of uploads.value.filter((one) => one.name === file.name)) detach(old.id);
    const upload: Upload = { id, name: file.name, size: file.size, sent: 0, state: 'sending' };
    uploads.value = [...uploads.value, upload];
    if (file.size > most) {
      update(id, { state: 'failed', why: 'it is larger than this server takes' });
    } else {
      send(id, file);
    }
  }
}

function send(id: number, file: File) {
  const request = new XMLHttpRequest();
  requests.set(id, request);
  request.open('POST', 'upload');
  for (const [name, value] of Object.entries(withKey())) request.setRequestHeader(name, value);
  request.responseType = 'json';
  request.upload.onprogress = (event) => update(id, { sent: Math.min(event.loaded, file.size) });
  request.onload = () => {
    const { status, response } = request;
    const stored = response?.files?.[0];
    if (status !== 200 || !stored) {
      update(id, { state: 'failed', why: response?.error ?? `the server answered ${status}` });
      return;
    }
    const reference = { id: stored.fileId, name: stored.filename, session_id: response.session_id };
    update(id, { state: 'there', sent: file.size, reference });
  };
  request.onerror = () => update(id, { state: 'failed', why: 'the server cannot be reached' });
  const form = new FormData();
  form.append('file', file, file.name);
  request.send(form);
}

export function detach(id: number) {
  requests.get(id)?.abort();
  requests.delete(id);
  uploads.value = uploads.value.filter((one) => one.id !== id);
}

export const references = () => uploads.value.flatMap((one) => one.reference ?? []);
export const isSending = () => uploads.value.some((one) => one.state === 'sending');
