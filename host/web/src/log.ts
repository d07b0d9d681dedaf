// What a program printed: kept whole in memory, shown in part.

import { overwrite, visible } from './text';

type Stream = 'stdout' | 'stderr' | 'typed';

const kBlock = 16 * 1024; // characters of one element: what scrolls out of sight is not laid out
const kHead = 128 * 1024; // shown of the beginning at least
const kTail = 384 * 1024; // and of the end

interface Block {
  stream: Stream;
  text: string;
  element: HTMLPreElement;
}

/** Everything printed, in order. One for each run. */
export class OutputLog {
  readonly pieces: { stream: Stream; text: string }[] = [];
  characters = 0;
  /** Pieces that a view has taken: no more is added to them. */
  shown = 0;
  private listener: () => void = () => {};

  add(stream: Stream, text: string) {
    if (text === '') return;
    const last = this.pieces.at(-1);
    if (
      last &&
      this.pieces.length > this.shown &&
      last.stream === stream &&
      last.text.length < kBlock
    )
      last.text += text;
    else this.pieces.push({ stream, text });
    this.characters += text.length;
    this.listener();
  }

  onChange(listener: () => void) {
    this.listener = listener;
  }

  asBlob(): Blob {
    return new Blob(
      this.pieces.map((piece) => piece.text),
      { type: 'text/plain;charset=utf-8' },
    );
  }

  /** Its beginning, to be spoken. */
  beginning(most: number): string {
    let text = '';
    for (const piece of this.pieces) {
      text += piece.text.slice(0, most);
      if (text.length >= most) break;
    }
    return visible(text.slice(0, most));
  }
}

/**
 * Shows a log in an element, once a frame, whatever comes in: a beginning and an end of bounded
 * size. Only text nodes are made of the text.
 */
export class LogView {
  private next = 0; // piece not looked at yet
  private seen = 0; // characters in those before it
  private blocks: Block[] = [];
  private head = 0; // characters in blocks that stay
  private tail: Block[] = [];
  private tailSize = 0;
  private left = 0; // characters that are shown no more, or never were
  private held = false;
  private frame = 0;
  private following = true;
  private readonly ending = new AbortController();
  private readonly gap = document.createElement('p');

  constructor(
    private readonly element: HTMLElement,
    private readonly log: OutputLog,
  ) {
    element.replaceChildren();
    this.gap.className = 'gap';
    this.watchScrolling();
    log.onChange(() => this.schedule());
    this.schedule();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.ending.abort();
    this.log.onChange(() => {});
  }

  private schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.show());
  }

  private show() {
    this.frame = 0;
    for (;;) {
      this.skip();
      if (this.next >= this.log.pieces.length) break;
      const { stream, text } = this.together();
      for (let i = 0; i < text.length; i += kBlock) this.append(stream, text.slice(i, i + kBlock));
    }
    this.toEnd(8);
  }

  /**
   * Again in the next frames: what comes into sight is only then laid out and has its true height.
   */
  private toEnd(frames: number) {
    if (!this.following || this.ending.signal.aborted) return;
    this.element.scrollTop = this.element.scrollHeight;
    if (frames > 0) requestAnimationFrame(() => this.toEnd(frames - 1));
  }

  /** Whoever scrolls up by hand stays there; who scrolls to the end follows it again. */
  private watchScrolling() {
    let byHand = 0;
    const touched = () => (byHand = performance.now());
    for (const event of ['wheel', 'touchmove', 'keydown', 'pointerdown']) {
      this.element.addEventListener(event, touched, { passive: true, signal: this.ending.signal });
    }
    const scrolled = () => {
      if (performance.now() - byHand > 1000) return;
      const box = this.element;
      this.following = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    };
    this.element.addEventListener('scroll', scrolled, {
      passive: true,
      signal: this.ending.signal,
    });
  }

  /** What would leave the end again within this frame is not made into elements at all. */
  private skip() {
    const { pieces, characters } = this.log;
    while (this.head >= kHead && this.next < pieces.length) {
      const size = pieces[this.next].text.length;
      if (characters - this.seen - size <= kTail) return;
      this.log.shown = this.next += 1;
      this.seen += size;
      this.tell(size);
    }
  }

  /** Small pieces of one stream as one: an element's text is set anew each time. */
  private together() {
    const { pieces } = this.log;
    const { stream } = pieces[this.next];
    let text = '';
    while (text.length < kBlock && pieces[this.next]?.stream === stream)
      text += pieces[this.next++].text;
    this.seen += text.length;
    this.log.shown = this.next;
    return { stream, text };
  }

  private append(stream: Stream, added: string) {
    let last = this.blocks.at(-1);
    if (!last || last.stream !== stream || last.text.length > kBlock)
      last = this.open(stream, last);
    const before = last.text.length;
    const { text, held } = overwrite(last.text, (this.held ? '\r' : '') + added);
    this.held = held;
    last.text = text;
    (last.element.firstChild as Text).data = visible(text);
    if (this.tail.length) {
      this.tailSize += last.text.length - before;
      this.trim();
    } else {
      this.head += last.text.length - before;
    }
  }

  /** A new element; the line that the last one had begun goes on in it. */
  private open(stream: Stream, last?: Block): Block {
    const block: Block = { stream, text: '', element: document.createElement('pre') };
    block.element.className = stream;
    block.element.append('');
    if (last?.stream === stream) {
      const cut = last.text.lastIndexOf('\n') + 1;
      if (cut > last.text.length - 4096 && cut > 0) {
        block.text = last.text.slice(cut);
        last.text = last.text.slice(0, cut);
        (last.element.firstChild as Text).data = visible(last.text);
        if (this.tail.includes(last)) this.tailSize -= block.text.length;
        else this.head -= block.text.length;
      }
    }
    this.element.append(block.element);
    this.blocks.push(block);
    if (this.head >= kHead) {
      this.tail.push(block);
      this.tailSize += block.text.length;
    } else {
      this.head += block.text.length;
    }
    return block;
  }

  private trim() {
    while (this.tailSize > kTail && this.tail.length > 1) {
      const first = this.tail.shift()!;
      this.tailSize -= first.text.length;
      this.blocks.splice(this.blocks.indexOf(first), 1);
      first.element.remove();
      this.tell(first.text.length);
    }
  }

  private tell(more: number) {
    this.left += more;
    const left = this.left.toLocaleString('en');
    this.gap.textContent = `… ${left} characters are left out; “Save as text” has everything …`;
    if (!this.gap.isConnected) {
      const firstOfTail = this.tail[0]?.element ?? null;
      this.element.insertBefore(this.gap, firstOfTail);
    }
  }
}
