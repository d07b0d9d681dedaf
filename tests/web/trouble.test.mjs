// The page to run code when something goes wrong: the connection, the daemon, or a program that
// means harm. In a real browser.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';
import {
  openWorkbench,
  over,
  picture,
  printed,
  run,
  traceTasks,
  Wire,
  write,
  writeAndRun,
} from './support/browser.mjs';
import { serveTests } from './support/serve.mjs';

const { daemon, open } = serveTests({ limits: { output: '16MiB' } });

test('a connection that breaks is taken up again and nothing is lost or said twice', async () => {
  const wire = await new Wire(daemon.port).open();
  const { page, close } = await openWorkbench(wire.url, daemon.key);
  await write(
    page,
    'py',
    'import time\nfor i in range(60):\n    print("n", i)\n    time.sleep(0.1)\n',
  );
  await run(page);
  const lost = page.locator('#status', { hasText: 'Connection lost' });

  await page.locator('.log').getByText('n 5').waitFor();
  wire.cut();
  await lost.waitFor();

  assert.equal(await over(page), 'Finished');
  assert.deepEqual(
    (await printed(page)).trim().split('\n'),
    Array.from({ length: 60 }, (_, i) => `n ${i}`),
  );
  wire.close();
  await close();
});

test('when the daemon is started anew the run is lost, the next one works', async () => {
  const other = await new Daemon().start();
  const wire = await new Wire(other.port).open();
  const { page, close } = await openWorkbench(wire.url, other.key);
  await write(page, 'py', 'import time\nprint("begun")\ntime.sleep(25)\n');
  await run(page);
  await page.locator('.log').getByText('begun').waitFor();

  await other.kill();
  await page.locator('#status', { hasText: 'Connection lost' }).waitFor();
  await other.start();
  wire.target = other.port;

  assert.equal(await over(page), 'Lost');
  await page.getByText('does not know this run any more').first().waitFor();
  assert.equal(await writeAndRun(page, 'bash', 'echo again'), 'Finished');
  assert.equal((await printed(page)).trim(), 'again');
  wire.close();
  await close();
  await other.stop();
  await other.discard();
});

const kHostile = String.raw`
import sys
print('<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>')
print('\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x00 \x08 \x7f \x9b')
print('right-to-left \u202e gnp.exe')
print('progress 1%\rprogress 100%')
open('/mnt/data/<img src=x onerror=alert(1)>.svg', 'w').write(
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
    '<script>parent.hacked=1</script>'
    '<rect width="40" height="40" onload="parent.hacked=1"/></svg>')
open('/mnt/data/table.csv', 'w').write('<b>h</b>\n<script>window.hacked=1</script>\n')
`;

test('hostile output is text', async () => {
  const { page, close } = await open();

  assert.equal(await writeAndRun(page, 'py', kHostile), 'Finished');
  await page.getByRole('img', { name: /onerror/ }).waitFor();
  await page.getByRole('region', { name: 'Table table.csv' }).waitFor();

  const seen = await printed(page);
  assert.match(
    seen,
    /<img src=x onerror="window\.hacked=1"><script>window\.hacked=1<\/script><b>bold<\/b>/,
  );
  assert.match(
    seen,
    /‹ESC›\[31mred‹ESC›\[0m ‹ESC›\]0;title‹BEL› ‹ESC›\[2J ‹NUL› ‹BS› ‹U\+007F› ‹U\+009B›/,
  );
  assert.match(seen, /right-to-left ‹U\+202E› gnp\.exe/);
  assert.match(seen, /\nprogress 100%/);
  assert.equal(await page.locator('.log script, .log img, .log b, td *, th *').count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.title(), 'Podium – run code');
  await picture(page, 'hostile', { fullPage: true });
  await close();
});

for (const [what, line] of [
  ['in lines', '"0123456789 <b>" * 6 + "\\n"'],
  ['on one line', '"0123456789 <b>" * 6'],
]) {
  test(`ten megabytes of output ${what} leave the page quick`, async (t) => {
    const { page, close } = await open();
    const trace = await traceTasks(page);

    await write(
      page,
      'py',
      `import sys\nline = ${line}\n` +
        'for i in range(10_000_000 // len(line)): sys.stdout.write(line)\n' +
        'print("\\nthe end")\n',
    );
    await run(page);
    assert.equal(await over(page), 'Finished');
    await page.locator('.log').getByText('the end').waitFor();

    const longest = await trace.end();
    const { elements, shown } = await page.evaluate(() => ({
      elements: document.querySelectorAll('.log pre').length,
      shown: document.querySelector('.log').textContent.length,
    }));
    t.diagnostic(
      `longest task ${Math.round(longest.processor)} ms (${Math.round(longest.wall)} by the wall), ` +
        `${shown} characters in ${elements} elements`,
    );
    assert.ok(longest.processor < 500, `the page stood still: ${JSON.stringify(longest)}`);
    assert.ok(shown < 1_000_000);
    await page.getByText('characters are left out').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /Save as text/ }).click(),
    ]);
    assert.ok(fs.statSync(await download.path()).size > 9_900_000);
    await close();
  });
}
