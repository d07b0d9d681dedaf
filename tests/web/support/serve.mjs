// What a file of tests in the browser stands on.

import { after, before } from 'node:test';

import { Daemon } from '../../e2e/support/daemon.mjs';
import { closeBrowser, openBrowser, openWorkbench } from './browser.mjs';

/** A daemon and a browser for all tests of the file that calls it. */
export function serveTests(config = {}) {
  const daemon = new Daemon(config);
  before(async () => {
    await daemon.start();
    await openBrowser();
  });
  after(async () => {
    await closeBrowser();
    await daemon.discard();
  });
  return { daemon, open: (options) => openWorkbench(daemon.url, daemon.key, options) };
}
