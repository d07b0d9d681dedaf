// Speaking with podiumd. The key is in this module's memory and nowhere else.

import { signal } from '@preact/signals';

export const key = signal('');

/** An answer that is none: what the server said, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterSeconds?: number,
    readonly body?: any,
  ) {
    super(message);
  }
}

export interface Language {
  name: string;
  aliases: string[];
  source: string;
  compiled: boolean;
  wall_ms: number;
}

export interface Start {
  version: string;
  signed_in: boolean;
  key_needed: boolean;
  principal?: string;
  languages?: Language[];
  max_upload?: number;
  max_upload_files?: number;
  /** Whether programs can be typed to while they run. */
  interactive?: boolean;
}

export interface FileReference {
  id: string;
  name: string;
  session_id: string;
}

/** What /exec answers. */
export interface ExecAnswer {
  session_id: string;
  stdout: string;
  stderr: string;
  files: FileReference[];
  deleted_files?: string[];
  code: number | null;
  signal: string | null;
  status: string;
  message?: string | null;
  wall_time?: number | null;
  cpu_time?: number | null;
  memory_peak?: number | null;
  /** Limits that this server could not enforce on the program; absent when there are none. */
  unenforced_limits?: string[];
  error?: string;
}

export function withKey(headers: Record<string, string> = {}): Record<string, string> {
  return key.value ? { ...headers, 'X-API-Key': key.value } : headers;
}

/** The sentence of an error body, or one of our own. */
export async function errorOf(response: Response): Promise<ApiError> {
  let sentence = `the server answered ${response.status}`;
  let body;
  try {
    body = await response.json();
    if (typeof body?.error === 'string') sentence = body.error;
  } catch {
    // No JSON: the status has to do.
  }
  return new ApiError(
    response.status,
    sentence,
    Number(response.headers.get('Retry-After')) || undefined,
    body,
  );
}

/** A fetch with the key; anything but 2xx is thrown as ApiError. */
export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      cache: 'no-store',
      ...options,
      headers: withKey(options.headers as Record<string, string>),
    });
  } catch (failure) {
    if (options.signal?.aborted) throw failure;
    throw new ApiError(0, 'the server cannot be reached');
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function askJson<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await ask(path, options)).json();
}

export function sendJson<T>(
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return askJson<T>(path, { method, body: JSON.stringify(body), headers, signal });
}

export const downloadPath = (file: FileReference) =>
  `download/${encodeURIComponent(file.session_id)}/${encodeURIComponent(file.id)}`;

/** Hands a blob to the browser's own download. */
export function save(blob: Blob, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name.split('/').pop() || 'file';
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function sizeInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB'];
  let size = bytes / 1000;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

export function timeInWords(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
