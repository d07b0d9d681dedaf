// The administrator's page, in a real browser.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import {
  barriers,
  openWorkbench,
  over,
  picture,
  run,
  signIn,
  statusOf,
  write,
} from './support/browser.mjs';
import { serveTests } from './support/serve.mjs';

const { daemon } = serveTests();
// Made by the daemon when it starts: not there before the first test.
const adminKey = () => fs.readFileSync(path.join(daemon.stateDir, 'admin-key'), 'utf8').trim();

async function open(options) {
  const tab = await signIn(daemon.url, adminKey(), { path: '/admin', ...options });
  await tab.page.getByRole('heading', { name: 'Pods and pools' }).waitFor();
  return tab;
}

const exec = (code, lang = 'bash') =>
  fetch(`${daemon.url}/exec`, {
    method: 'POST',
    headers: { 'X-API-Key': daemon.key, 'Content-Type': 'application/json' },
    body: JSON.stringify({ lang, code }),
  }).then((response) => response.json());

test('an ordinary key does not open it', async () => {
  const { page, close } = await signIn(daemon.url, daemon.key, { path: '/admin' });

  await page.getByRole('alert').getByText('not valid').waitFor();

  assert.equal(await page.getByRole('heading', { name: 'Pods and pools' }).count(), 0);
  await close();
});

test('health, pools, errors and latencies are shown and stay fresh', async () => {
  const { page, close } = await open();
  await page.getByRole('definition').getByText('healthy').waitFor();
  assert.equal(await page.getByRole('row', { name: /^pods numpy,pandas,matplotlib/ }).count(), 1);

  await exec('exit 4');
  await exec('echo well');
  await fetch(`${daemon.url}/exec`, { method: 'POST', headers: { 'X-API-Key': 'sk-wrong' } });

  await page.getByText('failed, bash').waitFor();
  await page.getByText('401 /exec').waitFor();
  await page.getByRole('img', { name: /Answers to runs, now: half within \d/ }).waitFor();
  await picture(page, 'admin', { fullPage: true });
  assert.deepEqual(await barriers(page), []);
  await close();
});

test('keys are made, used, disabled and deleted', async () => {
  const { page, close } = await open();
  await page.getByLabel('Name of a new key').fill('visitor');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const fresh = await page.locator('.fresh').innerText();
  await page.getByRole('row', { name: /^visitor/ }).waitFor();

  const visitor = await openWorkbench(daemon.url, fresh);
  await write(visitor.page, 'bash', 'echo hello');
  await run(visitor.page);
  assert.equal(await over(visitor.page), 'Finished');

  await page.getByRole('button', { name: 'Disable visitor' }).click();
  await page.getByRole('row', { name: /^visitor disabled/ }).waitFor();
  await run(visitor.page);
  await visitor.page.getByText('The key is not valid').waitFor();
  assert.equal(await statusOf(visitor.page), 'Not run');
  await visitor.close();

  await page.getByRole('button', { name: 'Delete visitor' }).click();
  await page.getByRole('button', { name: 'Really delete visitor' }).click();
  await page.getByRole('row', { name: /^visitor/ }).waitFor({ state: 'detached' });
  await close();
});

test('runs in progress are seen and can be stopped', async () => {
  const { page, close } = await open();
  const worker = await openWorkbench(daemon.url, daemon.key);
  await write(worker.page, 'bash', 'echo begun; sleep 25');
  await run(worker.page);
  await worker.page.locator('.log').getByText('begun').waitFor();

  const row = page.getByRole('row', { name: /bash running .* first/ });
  await row.waitFor();
  await picture(page, 'admin-runs');
  await row.getByRole('button', { name: /^Stop run/ }).click();

  assert.equal(await over(worker.page), 'Stopped by you');
  await page.getByText('None at the moment.').waitFor();
  await worker.close();
  await close();
});

test('what a reload would change is told before and after it is done', async () => {
  const { page, close } = await open();
  daemon.configure({ limits: { wall: '7s' } });

  await page.getByRole('button', { name: 'What would change?' }).click();
  const change = page.getByRole('row', { name: /limits.*wall/ });
  await change.waitFor();
  assert.match(await change.innerText(), /"30s"[\s\S]*"7s"[\s\S]*with a reload/);
  await picture(page, 'admin-reload', { fullPage: true });
  assert.equal(daemon.log.filter((line) => /reload/.test(line.message)).length, 0);
  await page.getByRole('button', { name: 'Reload', exact: true }).click();
  await page.getByText('no. 2').first().waitFor();

  fs.writeFileSync(daemon.configFile, '{"limits": {"wal": "7s"}}');
  await page.getByRole('button', { name: 'Reload', exact: true }).click();
  await page.getByRole('alert').getByText('unknown key "wal"').waitFor();
  await close();
});

test('it fits a phone, and the dark', async () => {
  const { page, close } = await open({ width: 390, height: 844, dark: true });

  const wide = await page.evaluate(() => document.documentElement.scrollWidth);

  assert.ok(wide <= 390, `${wide} pixels wide`);
  await picture(page, 'admin-phone-dark', { fullPage: true });
  assert.deepEqual(await barriers(page), []);
  await close();
});
