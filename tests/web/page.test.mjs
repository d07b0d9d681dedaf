// The page to run code, in a real browser.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';
import {
  barriers, closeBrowser, openBrowser, openTab, openWorkbench, over, picture, printed, run, signIn, statusOf, Wire, write,
  writeAndRun,
} from './support/browser.mjs';

let daemon;
before(async () => {
  daemon = await new Daemon({ limits: { output: '16MiB' } }).start();
  await openBrowser();
});
after(async () => {
  await closeBrowser();
  await daemon.stop();
  await daemon.discard();
});

const open = (options) => openWorkbench(daemon.url, daemon.key, options);

test('the first load is at most 300 kB, all of it from the daemon itself', async (t) => {
  const { page, close } = await open();

  const sizes = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map(({ name, encodedBodySize, transferSize }) => ({ name, size: Math.max(encodedBodySize, transferSize) })));

  const total = sizes.reduce((sum, one) => sum + one.size, 0);
  t.diagnostic(`first load: ${total} bytes in ${sizes.length} answers`);
  assert.ok(sizes.some((one) => /woff2/.test(one.name)), 'the fonts are counted');
  assert.ok(total <= 300_000, JSON.stringify(sizes, null, 1));
  await close();
});

test('a wrong key is told, the right one opens, and neither is kept anywhere', async () => {
  const { page, close } = await signIn(daemon.url, 'sk-00000000000000000000000000000000');
  await page.getByRole('alert').getByText('not valid').waitFor();
  await picture(page, 'wrong-key');
  assert.deepEqual(await barriers(page), []);

  await page.getByLabel('API key').fill(daemon.key);
  await page.keyboard.press('Enter');
  await page.locator('.cm-content').waitFor();
  await writeAndRun(page, 'bash', 'echo in');

  const kept = await page.evaluate(async () => JSON.stringify([
    { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, await indexedDB.databases()]));
  assert.ok(!kept.includes('sk-'), kept);
  await page.reload();
  await page.getByLabel('API key').waitFor();
  await close();
});

test('at its first look it has a program that runs and draws', async () => {
  const { page, close } = await open();
  await picture(page, 'empty');
  assert.deepEqual(await barriers(page), []);

  await run(page);

  assert.equal(await over(page), 'Finished');
  const drawn = page.getByRole('img', { name: /waves\.png/ });
  await drawn.waitFor();
  assert.ok(await drawn.evaluate((img) => img.decode().then(() => img.naturalWidth)) > 300);
  assert.match(await printed(page), /three waves, drawn in 400 points/);
  assert.match(await page.getByLabel('Time by stage').innerText(), /running \d/);
  await picture(page, 'with-plot', { fullPage: true });
  assert.deepEqual(await barriers(page), []);
  await close();
});

test('output is seen while the program runs, and the run can be stopped', async () => {
  const { page, close } = await open();
  await write(page, 'py', 'import sys, time\nfor i in range(1000):\n    print("line", i)\n    print("warned", i, file=sys.stderr)\n    time.sleep(0.3)\n');
  await run(page);

  await page.locator('.log').getByText('line 2').waitFor();
  assert.equal(await statusOf(page), 'Running');
  await picture(page, 'running');
  assert.deepEqual(await barriers(page), []);
  await page.getByRole('button', { name: 'Stop' }).click();

  assert.equal(await over(page), 'Stopped by you');
  assert.match(await printed(page), /line 0\s+warned 0/);
  await close();
});

test('what is saved can be downloaded, and tables are shown', async () => {
  const { page, close } = await open();
  const status = await writeAndRun(page, 'py',
    'rows = "".join(f"{i},town {i},{i * i}\\n" for i in range(500))\n' +
    'open("/mnt/data/towns.csv", "w").write("id,name,size\\n" + rows)\n' +
    'open("/mnt/data/ünïcode <b>.bin", "wb").write(bytes(range(256)) * 40)\n');
  assert.equal(status, 'Finished');

  const table = page.getByRole('region', { name: 'Table towns.csv' });
  assert.equal(await table.getByRole('row').count(), 101);
  assert.deepEqual(await table.getByRole('row').nth(3).getByRole('cell').allInnerTexts(), ['2', 'town 2', '4']);
  await page.getByText('the first 100 rows').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download ünïcode <b>.bin' }).click(),
  ]);
  const bytes = fs.readFileSync(await download.path());
  assert.deepEqual(bytes, Buffer.concat(Array(40).fill(Buffer.from([...Array(256).keys()]))));
  await picture(page, 'table', { fullPage: true });
  await close();
});

test('files are attached by drag and drop, replaced by name, removed, and found by the program', async () => {
  const { page, close } = await open();
  const drop = async (name, text) => {
    const data = await page.evaluateHandle(([name, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name));
      return transfer;
    }, [name, text]);
    await page.dispatchEvent('.attach', 'dragover', { dataTransfer: data });
    await page.dispatchEvent('.attach', 'drop', { dataTransfer: data });
  };
  await drop('words.txt', 'old');
  await drop('words.txt', 'alpha beta');
  await drop('gone.txt', 'gone');
  await page.getByRole('button', { name: 'Remove gone.txt' }).click();
  await page.getByLabel('Attached files').getByText('10 B').waitFor();

  await writeAndRun(page, 'bash', 'ls; cat words.txt');

  assert.equal((await printed(page)).trim(), 'words.txt\nalpha beta');
  await close();
});

test('a file that is too large is refused in words', async () => {
  const small = await new Daemon({ http: { max_upload: '1KiB' } }).start();
  const { page, close } = await openWorkbench(small.url, small.key);

  await page.setInputFiles('#attach', { name: 'big.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(2000) });

  await page.getByRole('alert').getByText('larger than this server takes').waitFor();
  await close();
  await small.stop();
  await small.discard();
});

test('input, arguments and files of the run before reach the program', async () => {
  const { page, close } = await open();
  await page.getByText('Input and arguments').click();
  await page.getByLabel('Standard input').fill('from the page');
  await page.getByLabel('Arguments').fill('one "two three"');
  await writeAndRun(page, 'bash', 'cat; echo; printf "%s\\n" "$@"; echo kept > kept.txt');
  assert.equal((await printed(page)).trim(), 'from the page\none\ntwo three');

  await page.getByLabel('Let the next run find these files').check();
  await writeAndRun(page, 'bash', 'cat kept.txt');

  assert.equal((await printed(page)).trim(), 'kept');
  await close();
});

test('a program can be typed to while it runs', async () => {
  const { page, close } = await open();
  await page.getByText('Input and arguments').click();
  await page.getByLabel('Type input while the program runs').check();
  await write(page, 'py', 'import sys\nprint("name?", flush=True)\nprint("hello", input(), flush=True)\nprint(len(sys.stdin.read()), "more")\n');
  await run(page);
  await page.locator('.log').getByText('name?').waitFor();
  const line = page.getByLabel('Input for the program');

  await line.fill('Ada <b>');
  await page.keyboard.press('Enter');
  await page.locator('.log').getByText('hello Ada <b>').waitFor();
  await picture(page, 'typing');
  assert.deepEqual(await barriers(page), []);
  await line.fill('12345');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'End of input' }).click();

  assert.equal(await over(page), 'Finished');
  assert.match(await printed(page), /name\?\nAda <b>\nhello Ada <b>\n12345\n6 more/);
  await close();
});

test('a run that is typed to can be stopped', async () => {
  const { page, close } = await open();
  await page.getByText('Input and arguments').click();
  await page.getByLabel('Type input while the program runs').check();
  await write(page, 'bash', 'echo begun; cat');
  await run(page);
  await page.locator('.log').getByText('begun').waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  assert.equal(await over(page), 'Stopped by you');
  await close();
});

test('failures are told in words', async () => {
  const { page, close } = await open();

  assert.equal(await writeAndRun(page, 'py', 'raise SystemExit(3)'), 'Ended with an error (exit code 3)');
  assert.equal(await writeAndRun(page, 'py', 'x = []\nwhile True: x.append(bytearray(50_000_000))'), 'Stopped: out of memory');
  assert.match(await page.locator('.detail').innerText(), /memory/);
  await close();
});

test('a connection that breaks is taken up again and nothing is lost or said twice', async () => {
  const wire = await new Wire(daemon.port).open();
  const { page, close } = await openWorkbench(wire.url, daemon.key);
  await write(page, 'py', 'import time\nfor i in range(60):\n    print("n", i)\n    time.sleep(0.1)\n');
  await run(page);
  const lost = page.locator('#status', { hasText: 'Connection lost' });

  await page.locator('.log').getByText('n 5').waitFor();
  wire.cut();
  await lost.waitFor();

  assert.equal(await over(page), 'Finished');
  assert.deepEqual((await printed(page)).trim().split('\n'), Array.from({ length: 60 }, (_, i) => `n ${i}`));
  wire.close();
  await close();
});

test('when the daemon is started anew the run is lost, which is said, and the next one works', async () => {
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
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>parent.hacked=1</script>'
    '<rect width="40" height="40" onload="parent.hacked=1"/></svg>')
open('/mnt/data/table.csv', 'w').write('<b>h</b>\n<script>window.hacked=1</script>\n')
`;

test('hostile output is text', async () => {
  const { page, close } = await open();

  assert.equal(await writeAndRun(page, 'py', kHostile), 'Finished');
  await page.getByRole('img', { name: /onerror/ }).waitFor();
  await page.getByRole('region', { name: 'Table table.csv' }).waitFor();

  const seen = await printed(page);
  assert.match(seen, /<img src=x onerror="window\.hacked=1"><script>window\.hacked=1<\/script><b>bold<\/b>/);
  assert.match(seen, /‹ESC›\[31mred‹ESC›\[0m ‹ESC›\]0;title‹BEL› ‹ESC›\[2J ‹NUL› ‹BS› ‹U\+007F› ‹U\+009B›/);
  assert.match(seen, /right-to-left ‹U\+202E› gnp\.exe/);
  assert.match(seen, /\nprogress 100%/);
  assert.equal(await page.locator('.log script, .log img, .log b, td *, th *').count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.title(), 'Podium – run code');
  await picture(page, 'hostile', { fullPage: true });
  await close();
});

for (const [what, line] of [['in lines', '"0123456789 <b>" * 6 + "\\n"'], ['on one line', '"0123456789 <b>" * 6']]) {
  test(`ten megabytes of output ${what} leave the page quick`, async (t) => {
    const { page, close } = await open();
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
      }).observe({ type: 'longtask' });
    });

    await write(page, 'py', `import sys\nline = ${line}\nfor i in range(10_000_000 // len(line)): sys.stdout.write(line)\nprint("\\nthe end")\n`);
    await run(page);
    assert.equal(await over(page), 'Finished');
    await page.locator('.log').getByText('the end').waitFor();

    const { longest, elements, shown } = await page.evaluate(() => ({
      longest: window.longest,
      elements: document.querySelectorAll('.log pre').length,
      shown: document.querySelector('.log').textContent.length,
    }));
    t.diagnostic(`longest task ${Math.round(longest)} ms, ${shown} characters in ${elements} elements`);
    assert.ok(longest < 1000, `the page stood still for ${longest} ms`);
    assert.ok(shown < 1_000_000);
    await page.getByText('characters are not shown here').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Save as text/ }).click()]);
    assert.ok(fs.statSync(await download.path()).size > 9_900_000);
    await close();
  });
}

test('the history of this browser has the code, gives it back, and can be cleared', async () => {
  const { page, close } = await open();
  await writeAndRun(page, 'bash', 'echo first of them');
  await writeAndRun(page, 'py', 'print("second of them")');

  await page.getByRole('button', { name: 'History' }).click();
  await picture(page, 'history');
  assert.deepEqual(await barriers(page), []);
  await page.getByRole('button', { name: /echo first of them/ }).click();
  assert.equal(await page.getByLabel('Language').inputValue(), 'bash');
  assert.equal(await page.locator('.cm-content').innerText(), 'echo first of them');
  const stored = await page.evaluate(() => localStorage.getItem('podium.history'));
  assert.deepEqual(JSON.parse(stored).map((one) => Object.keys(one).sort()), Array(2).fill(['at', 'code', 'lang']));

  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Clear the history' }).click();
  await page.getByText('Nothing yet.').waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('podium.history')), null);
  await close();
});

test('everything can be done by keyboard', async () => {
  const tab = await openTab(daemon.url);
  const { page } = tab;
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type(daemon.key);
  await page.keyboard.press('Enter');
  await page.locator('.cm-content').waitFor();

  const reach = async (what) => {
    for (let i = 0; i < 25; i += 1) {
      await page.keyboard.press('Tab');
      const found = await page.evaluate(() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element?.id || element?.className || element?.textContent;
      });
      if (found.includes(what)) return;
    }
    throw new Error(`Tab does not reach ${what}`);
  };
  await reach('language');
  await page.keyboard.type('Bash');
  await reach('cm-content');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('echo by keys');
  await page.keyboard.press('Control+Enter');
  assert.equal(await over(page), 'Finished');
  assert.equal((await printed(page)).trim(), 'by keys');
  await page.keyboard.press('Escape');
  await reach('log');
  await tab.close();
});

test('it fits a phone, and the dark', async () => {
  const phone = await open({ width: 390, height: 844 });
  await run(phone.page);
  assert.equal(await over(phone.page), 'Finished');
  await phone.page.getByRole('img', { name: /waves\.png/ }).waitFor();
  const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} pixels wide`);
  await picture(phone.page, 'phone', { fullPage: true });
  assert.deepEqual(await barriers(phone.page), []);
  await phone.close();

  const dark = await open({ dark: true });
  await run(dark.page);
  assert.equal(await over(dark.page), 'Finished');
  await dark.page.getByRole('img', { name: /waves\.png/ }).waitFor();
  await picture(dark.page, 'dark');
  assert.deepEqual(await barriers(dark.page), []);
  await dark.page.getByRole('button', { name: 'Light colours' }).click();
  assert.equal(await dark.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'light');
  await dark.close();
});

test('without keys nobody signs in', async () => {
  const free = await new Daemon({ auth: { mode: 'none' } }).start();
  const tab = await openTab(free.url);
  await tab.page.locator('.cm-content').waitFor();
  assert.equal(await writeAndRun(tab.page, 'bash', 'echo free'), 'Finished');
  await tab.close();
  await free.stop();
  await free.discard();
});
