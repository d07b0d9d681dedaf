// Making output of programs visible: nothing in it may act on the page or hide.

// Controls but tab and line feed; then what reorders, joins or hides.
const kControl = new RegExp(
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f' +
    '\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]',
  'g',
);

const kNames = (
  'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI ' +
  'DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'
).split(' ');

/**
 * Control characters by their names (‹ESC›), those that reorder or hide text by their numbers. Tab
 * and line feed stay. Not as the pictures that Unicode has for them: few fonts do.
 */
export function visible(text: string): string {
  return text.replace(kControl, (character) => {
    const code = character.charCodeAt(0);
    return `‹${kNames[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}›`;
  });
}

/**
 * The text of a line that is being written: a carriage return begins it anew, as on a terminal.
 * `held` is a carriage return at the end, of which it is not known yet whether a line feed follows.
 */
export function overwrite(line: string, added: string): { text: string; held: boolean } {
  let whole = added.replace(/\r\n/g, '\n');
  const held = whole.endsWith('\r');
  if (held) whole = whole.slice(0, -1);
  let text = line;
  for (const [i, piece] of whole.split('\r').entries()) {
    if (i > 0) text = text.slice(0, text.lastIndexOf('\n') + 1);
    text += piece;
  }
  return { text, held };
}
