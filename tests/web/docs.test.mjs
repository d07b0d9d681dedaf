// The description of the API, /docs, in a real browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { barriers, openTab, picture } from './support/browser.mjs';
import { serveTests } from './support/serve.mjs';

const { daemon } = serveTests();

// openTab's close() fails on any request to elsewhere, any exception and any violation of the
// page's policy.
for (const [how, options] of [
  ['in the light', {}],
  ['in the dark', { dark: true }],
  ['on a phone', { width: 390, height: 844 }],
]) {
  test(`it is shown ${how}, with its style and without any barrier`, async () => {
    const { page, close } = await openTab(daemon.url, { path: '/docs', ...options });

    await page.getByRole('heading', { name: 'Podium API' }).waitFor();
    const style = await page
      .locator('section.operation')
      .first()
      .evaluate((element) => getComputedStyle(element).borderRadius);

    assert.equal(style, '8px', 'the style sheet was let in');
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(wide <= 0, `it is ${wide} pixels wider than the window`);
    await picture(page, `docs-${how.replaceAll(' ', '-')}`);
    assert.deepEqual(await barriers(page), []);
    await close();
  });
}

test('every path of the document is on the page, and its links lead somewhere', async () => {
  const document = await (await fetch(`${daemon.url}/openapi.json`)).json();
  const { page, close } = await openTab(daemon.url, { path: '/docs' });

  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item)) {
      assert.equal(
        await page.locator(`#${operation.operationId}`).getByText(path, { exact: true }).count(),
        1,
        path,
      );
    }
  }
  const lost = await page.evaluate(() =>
    [...document.querySelectorAll('a[href^="#"]')]
      .map((link) => link.getAttribute('href').slice(1))
      .filter((id) => !document.getElementById(id)),
  );

  assert.deepEqual(lost, []);
  await close();
});

test('it runs no script, whoever puts one there', async () => {
  const { page, wrongs } = await openTab(daemon.url, { path: '/docs' });

  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    document.body.append(script);
    return globalThis.ran === true;
  });

  assert.equal(ran, false);
  assert.deepEqual(wrongs, []);
  await page.context().close();
});
