/** The first rows of comma- or tab-separated text (RFC 4180), and whether there are more. */
export function parseTable(text: string, most: number): { rows: string[][]; more: boolean } {
  const separator = guessSeparator(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = false;
    } else if (c === '"' && cell === '') {
      quoted = true;
    } else if (c === separator) {
      row.push(cell);
      cell = '';
    } else if (c === '\n') {
      row.push(cell.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      cell = '';
      if (rows.length === most) return { rows, more: i < text.length - 1 };
    } else {
      cell += c;
    }
  }
  if (cell !== '' || row.length) rows.push([...row, cell]);
  return { rows, more: false };
}

function guessSeparator(text: string): string {
  const line = text.slice(0, Math.max(0, text.indexOf('\n')) || 4096);
  const count = (c: string) => line.split(c).length;
  return [',', '\t', ';'].reduce((best, c) => (count(c) > count(best) ? c : best));
}

export const isNumber = (cell: string) => cell.trim() !== '' && Number.isFinite(Number(cell));
