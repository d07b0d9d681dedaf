import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from '@codemirror/language';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useLayoutEffect, useRef } from 'preact/hooks';

import { grammarOf, titleOf } from './languages';

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  {
    tag: [
      tags.function(tags.variableName),
      tags.typeName,
      tags.className,
      tags.definition(tags.variableName),
    ],
    color: 'var(--code-name)',
  },
]);

const looks = EditorView.theme({
  '&': { height: '100%', fontSize: '13.5px', color: 'var(--ink)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: '1.6',
    fontVariantLigatures: 'none',
    overflow: 'auto',
  },
  '.cm-content': { padding: '12px 0', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'transparent', border: 'none', color: 'var(--ink-soft)' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 10px 0 16px', minWidth: '34px' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-selectionBackground': { backgroundColor: 'var(--selection)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--selection) !important' },
});

/**
 * Text typed over a selection. Left to the browser, it would carry over the selection's style as an
 * inline one, which the policy forbids and reports.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    if (event.inputType !== 'insertText' || !event.data || view.composing || main.empty)
      return false;
    event.preventDefault();
    const text = event.data;
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), {
        userEvent: 'input.type',
        scrollIntoView: true,
      });
    const taken = view.state
      .facet(EditorView.inputHandler)
      .some((handle) => handle(view, main.from, main.to, text, insert));
    if (!taken) view.dispatch(insert());
    return true;
  },
});

export interface EditorProps {
  lang: string;
  /**
   * What it holds at first, and whenever `revision` changes; in between the editor is ahead of it.
   */
  text: string;
  revision: unknown;
  onText(text: string): void;
  onRun(): void;
}

/**
 * The editor lives in a shadow root: there its styles are adopted sheets, which a strict policy of
 * contents allows; in the document they would be <style> elements.
 */
export function Editor({ lang, text, revision, onText, onRun }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const grammar = useRef(new Compartment());
  const label = useRef(new Compartment());
  const calls = useRef({ onText, onRun });
  calls.current = { onText, onRun };

  // Layout effects, which come before the next key: what is typed right after a language was chosen
  // must meet the text of that language.
  useLayoutEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' });
    const editor = new EditorView({
      root,
      parent: root as unknown as HTMLElement,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (calls.current.onRun(), true) }])),
          lineNumbers(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          drawSelection(),
          history(),
          closeBrackets(),
          bracketMatching(),
          indentOnInput(),
          indentUnit.of('    '),
          EditorState.tabSize.of(4),
          syntaxHighlighting(colours),
          looks,
          typeOver,
          EditorView.lineWrapping,
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
          grammar.current.of([]),
          label.current.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) calls.current.onText(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useLayoutEffect(() => {
    const editor = view.current!;
    if (editor.state.doc.toString() !== text) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    }
  }, [revision]);

  useLayoutEffect(() => {
    let current = true;
    view.current!.dispatch({
      effects: label.current.reconfigure(
        EditorView.contentAttributes.of({
          tabindex: '0',
          'aria-label': `Code in ${titleOf(lang)}. Escape, then Tab leaves the editor.`,
        }),
      ),
    });
    grammarOf(lang).then(
      (extension) =>
        current && view.current?.dispatch({ effects: grammar.current.reconfigure(extension) }),
      () => {}, // its file could not be fetched: the text has no colours, everything else works
    );
    return () => {
      current = false;
    };
  }, [lang]);

  return <div class="editor" ref={host} />;
}
