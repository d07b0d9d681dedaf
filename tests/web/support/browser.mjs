// A browser as a person has it, in front of an installed daemon.
//
// PODIUM_WEB_MODULES has the packages of package.json, PODIUM_WEB_PICTURES is the folder for
// screenshots; run-tests sets both.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const modules = process.env.PODIUM_WEB_MODULES;
if (!modules)
  throw new Error('PODIUM_WEB_MODULES is not set; run the tests with ./run-tests --only web');
const require = createRequire(path.join(modules, 'x'));
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const pictures =
  process.env.PODIUM_WEB_PICTURES ?? path.join(path.dirname(modules), 'podium-web-pictures');

// Of one step; the machine may be busy with everything else.
export const kPatience = 60_000;

let browser;
export async function openBrowser() {
  // As root Chromium has no sandbox of its own; it sees nothing but this test's daemon.
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}
export const closeBrowser = () => browser.close();

/**
 * From now on, what the pages' threads do. `end` tells the longest task of any of them in
 * milliseconds of processor time: what others do on this machine meanwhile is not in it.
 */
export async function traceTasks(page) {
  const name = 'ThreadControllerImpl::RunTask';
  await browser.startTracing(page, { categories: ['toplevel'] });
  return {
    async end() {
      const { traceEvents } = JSON.parse(await browser.stopTracing());
      const threads = traceEvents.filter(
        (event) => event.name === 'thread_name' && event.args.name === 'CrRendererMain',
      );
      const own = new Set(threads.map(({ pid, tid }) => `${pid} ${tid}`));
      const tasks = traceEvents
        .filter((event) => event.name === name && own.has(`${event.pid} ${event.tid}`))
        .filter((event) => event.tdur !== undefined);
      assert.ok(tasks.length > 100, `the trace has ${tasks.length} tasks of pages`);
      const most = (key) => Math.max(...tasks.map((task) => task[key])) / 1000;
      return { processor: most('tdur'), wall: most('dur'), tasks: tasks.length };
    },
  };
}

/** A tab with an empty memory. What no page may do is collected in `wrongs`. */
export async function openTab(
  url,
  { width = 1360, height = 860, dark = false, path: where = '/' } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(kPatience);
  const wrongs = [];
  page.on('pageerror', (error) => wrongs.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    wrongs.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:'))
      wrongs.push(`request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.goto(url + where);
  return {
    page,
    wrongs,
    async close() {
      const violations = await page.evaluate(() => globalThis.violations);
      await context.close();
      assert.deepEqual([...wrongs, ...violations], []);
    },
  };
}

/** A tab that has signed in. */
export async function signIn(daemonUrl, key, options) {
  const tab = await openTab(daemonUrl, options);
  await tab.page.getByLabel(/key/i).fill(key);
  await tab.page.getByRole('button', { name: 'Sign in' }).click();
  return tab;
}

export async function openWorkbench(url, key, options) {
  const tab = await signIn(url, key, options);
  await tab.page.locator('.cm-content').waitFor();
  return tab;
}

/** Replaces the code in the editor, as by hand. */
export async function write(page, lang, code) {
  await page.getByLabel('Language').selectOption(lang);
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(code);
}

export const run = (page) => page.getByRole('button', { name: /^Run/ }).click();
export const statusOf = (page) => page.locator('#status').textContent();

/** Waits until the run is over; the words that then stand there. */
export async function over(page) {
  await page.getByRole('button', { name: /^Run/ }).waitFor();
  return statusOf(page);
}

export async function writeAndRun(page, lang, code) {
  await write(page, lang, code);
  await run(page);
  return over(page);
}

/** What is printed, when what has come stands there: it is drawn once a frame, effects before. */
export async function printed(page) {
  await page.evaluate(
    () =>
      new Promise((drawn) =>
        requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(drawn))),
      ),
  );
  return page.locator('.log').textContent();
}

export async function picture(page, name, options = {}) {
  fs.mkdirSync(pictures, { recursive: true });
  // Its own hiding of the caret would be an inline style, which the policy forbids.
  await page.screenshot({
    path: path.join(pictures, `${name}.png`),
    caret: 'initial',
    animations: 'allow',
    ...options,
  });
}

/** Faults of accessibility by axe-core, in a sentence each: WCAG 2 A and AA. */
export async function barriers(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} ${node.any[0]?.message ?? ''}`),
  );
}

/**
 * A wire between the browser and a daemon that can be cut, and that may lead to another daemon
 * later.
 */
export class Wire {
  constructor(port) {
    this.target = port;
    this.sockets = new Set();
  }

  async open() {
    this.server = net.createServer((near) => {
      const far = net.connect(this.target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ]) {
        this.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => (this.sockets.delete(from), to.destroy()));
        from.pipe(to);
      }
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  close() {
    this.server.close();
    this.cut();
  }
}
