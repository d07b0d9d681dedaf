// Files that the program saved: pictures and tables in place, everything to download.

import { useEffect, useState } from 'preact/hooks';

import { ApiError, ask, downloadPath, save, type FileReference } from './api';
import { isNumber, parseTable } from './csv';
import { files } from './run';
import { visible } from './text';

const kPictures: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
};
const kMostPicture = 20_000_000;
const kTablePart = 256 * 1024;
const kRows = 100;
const kColumns = 40;

const extension = (name: string) => name.split('.').pop()!.toLowerCase();
const isPicture = (file: FileReference) => extension(file.name) in kPictures;
const isTable = (file: FileReference) => ['csv', 'tsv'].includes(extension(file.name));

export function Results() {
  if (!files.value.length) return null;
  return (
    <section class="results" aria-label="Files">
      {files.value.filter(isPicture).map((file) => (
        <Picture key={file.id} file={file} />
      ))}
      {files.value.filter(isTable).map((file) => (
        <Table key={file.id} file={file} />
      ))}
      <h2>Files</h2>
      <ul class="files">
        {files.value.map((file) => (
          <li key={file.id}>
            <span class="name">{visible(file.name)}</span>
            <Download file={file} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Download({ file }: { file: FileReference }) {
  const [state, setState] = useState('');
  const get = async () => {
    setState('Downloading…');
    try {
      save(await (await ask(downloadPath(file))).blob(), file.name);
      setState('');
    } catch (failure) {
      setState((failure as Error).message);
    }
  };
  return (
    <>
      {state && (
        <span class="soft" role="status">
          {state}
        </span>
      )}
      <button
        type="button"
        class="button small"
        onClick={get}
        aria-label={`Download ${visible(file.name)}`}
      >
        Download
      </button>
    </>
  );
}

/** What of a file is shown: loading it may fail, which is said in its place. */
function useLoaded<T>(file: FileReference, load: () => Promise<T>): { value?: T; why?: string } {
  const [state, setState] = useState<{ value?: T; why?: string }>({});
  useEffect(() => {
    let current = true;
    load().then(
      (value) => current && setState({ value }),
      (failure) =>
        current &&
        setState({ why: failure instanceof ApiError ? failure.message : String(failure) }),
    );
    return () => {
      current = false;
    };
  }, [file.id]);
  return state;
}

function Picture({ file }: { file: FileReference }) {
  const { value, why } = useLoaded(file, async () => {
    const response = await ask(downloadPath(file));
    if (Number(response.headers.get('Content-Length')) > kMostPicture) {
      await response.body?.cancel();
      throw new ApiError(0, 'it is too large to be shown here');
    }
    const bytes = await response.arrayBuffer();
    // The type by the name: what a program calls SVG is drawn without its scripts, as every <img>.
    return URL.createObjectURL(new Blob([bytes], { type: kPictures[extension(file.name)] }));
  });
  useEffect(
    () => () => {
      if (value) URL.revokeObjectURL(value);
    },
    [value],
  );
  const [broken, setBroken] = useState(false);
  return (
    <figure>
      {value && !broken && (
        <img
          src={value}
          alt={`Picture ${visible(file.name)}, drawn by the program`}
          onError={() => setBroken(true)}
        />
      )}
      <figcaption>
        {visible(file.name)}
        {(why || broken) && (
          <span class="soft"> – not shown: {broken ? 'it is no picture of that kind' : why}</span>
        )}
      </figcaption>
    </figure>
  );
}

function Table({ file }: { file: FileReference }) {
  const { value, why } = useLoaded(file, async () => {
    const response = await ask(downloadPath(file), {
      headers: { Range: `bytes=0-${kTablePart - 1}` },
    });
    const text = await response.text();
    const whole = Number(response.headers.get('Content-Range')?.split('/')[1] ?? 0) <= kTablePart;
    const table = parseTable(whole ? text : text.slice(0, text.lastIndexOf('\n') + 1), kRows + 1);
    return { ...table, more: table.more || !whole };
  });
  if (why)
    return (
      <p class="soft">
        {visible(file.name)} – not shown: {why}
      </p>
    );
  if (!value || value.rows.length === 0) return null;
  const [head, ...rows] = value.rows.map((row) => row.slice(0, kColumns));
  const wide = value.rows[0].length > kColumns;
  return (
    <figure>
      <div class="table" tabIndex={0} role="region" aria-label={`Table ${visible(file.name)}`}>
        <table>
          <thead>
            <tr>
              {head.map((cell, i) => (
                <th key={i} scope="col">
                  {visible(cell)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, j) => (
                  <td key={j} class={isNumber(cell) ? 'number' : ''}>
                    {visible(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <figcaption>
        {visible(file.name)}
        {value.more && <span class="soft"> – the first {rows.length} rows</span>}
        {wide && (
          <span class="soft">
            {' '}
            – the first {kColumns} of {value.rows[0].length} columns
          </span>
        )}
      </figcaption>
    </figure>
  );
}
