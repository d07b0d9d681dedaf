// Bundles src/ into FOLDER and, with --embed, writes a C++ source that holds the result:
//   node bundle.mjs --modules NODE_MODULES --out FOLDER [--embed FILE.cpp]

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const { values: given } = parseArgs({
  options: { modules: { type: 'string' }, out: { type: 'string' }, embed: { type: 'string' } },
});
const out = path.resolve(given.out);
const modules = path.resolve(given.modules);
const esbuild = createRequire(path.join(modules, 'x'))('esbuild');

const mediaTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

async function bundle() {
  fs.rmSync(out, { recursive: true, force: true });
  const built = await esbuild.build({
    absWorkingDir: path.join(here, 'src'),
    entryPoints: ['main.tsx', 'admin.tsx', 'icon.svg'],
    outdir: out,
    nodePaths: [modules],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    minify: true,
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: 'assets/[name]-[hash]',
    chunkNames: 'assets/[name]-[hash]',
    assetNames: 'assets/[name]-[hash]',
    loader: { '.svg': 'copy', '.woff2': 'file' },
    metafile: true,
    logLevel: 'warning',
  });
  for (const page of ['index', 'admin']) writePage(page, built.metafile.outputs);
}

/** Puts the names of what an entry made into its HTML, with what it imports at once. */
function writePage(page, outputs) {
  const entry = page === 'index' ? 'main.tsx' : `${page}.tsx`;
  const name = (file) => path.relative(out, path.resolve(here, 'src', file));
  const [script, made] = Object.entries(outputs).find(([, about]) => about.entryPoint === entry);
  const icon = Object.keys(outputs).find((file) => /icon-[^/]*\.svg$/.test(file));
  const first = made.imports
    .filter((used) => used.kind === 'import-statement')
    .map((used) => name(used.path));
  const head = [
    `<link rel="icon" href="${name(icon)}">`,
    `<link rel="stylesheet" href="${name(made.cssBundle)}">`,
    ...first.map((file) => `<link rel="modulepreload" href="${file}">`),
    `<script type="module" src="${name(script)}"></script>`,
  ];
  const html = fs.readFileSync(path.join(here, 'src', `${page}.html`), 'utf8');
  if (!html.includes('<!-- assets -->')) throw new Error(`src/${page}.html has no <!-- assets -->`);
  fs.writeFileSync(
    path.join(out, `${page}.html`),
    html.replace('<!-- assets -->', head.join('\n  ')),
  );
}

function everyFile() {
  return fs
    .readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.gz'))
    .map((entry) => path.relative(out, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Strings of bytes by .incbin: a C++ array of half a megabyte takes the compiler seconds. */
function embed(file) {
  const rows = [];
  const assembly = [];
  const declared = [];
  everyFile().forEach((name, i) => {
    const whole = path.join(out, name);
    const bytes = fs.readFileSync(whole);
    const packed = gzipSync(bytes, { level: 9 });
    const saves = packed.length < bytes.length * 0.9;
    if (saves) fs.writeFileSync(`${whole}.gz`, packed);
    const part = (symbol, from) => {
      assembly.push(
        `podium_page_${symbol}:\\n  .incbin \\"${from}\\"\\npodium_page_${symbol}_end:\\n`,
      );
      declared.push(`extern const char podium_page_${symbol}[], podium_page_${symbol}_end[];`);
      return `text(podium_page_${symbol}, podium_page_${symbol}_end)`;
    };
    const plain = part(`plain_${i}`, whole);
    const gzip = saves ? part(`gzip_${i}`, `${whole}.gz`) : '{}';
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    rows.push(
      `    {"${name}", "${mediaTypes[path.extname(name)]}", "${digest}",\n     ${plain},\n` +
        `     ${gzip}, ${name.startsWith('assets/')}},`,
    );
    if (!mediaTypes[path.extname(name)]) throw new Error(`${name}: no media type is known`);
  });
  fs.writeFileSync(
    file,
    `// Made by host/web/bundle.mjs.
#include <array>

#include "web/assets.hpp"

asm(".pushsection .rodata\\n"
${assembly.map((line) => `    "${line}"`).join('\n')}
    ".popsection\\n");

extern "C" {
${declared.join('\n')}
}

namespace {
std::string_view text(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}
}  // namespace

std::span<const podium::PageAsset> podium::page_assets() noexcept {
  static const std::array assets{
${rows.map((row) => row.replace(/^ {4}\{/, '      PageAsset{')).join('\n')}
  };
  return assets;
}
`,
  );
}

await bundle();
if (given.embed) embed(path.resolve(given.embed));
