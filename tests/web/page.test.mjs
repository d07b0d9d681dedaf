// The page to run code, in a real browser.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { Daemon, eventually } from '../e2e/support/daemon.mjs';
import {
  barriers,
  openTab,
  openWorkbench,
  over,
  picture,
  printed,
  run,
  signIn,
  statusOf,
  write,
  writeAndRun,
} from './support/browser.mjs';
import { serveTests } from './support/serve.mjs';

const { daemon, open } = serveTests({ limits: { output: '16MiB' } });

test('the first load is at most 300 kB, all of it from the daemon itself', async (t) => {
  const { page, close } = await open();

  const sizes = await page.evaluate(() =>
    [
      ...performance.getEntriesByType('navigation'),
      ...performance.getEntriesByType('resource'),
    ].map(({ name, encodedBodySize, transferSize }) => ({
      name,
      size: Math.max(encodedBodySize, transferSize),
    })),
  );

  const total = sizes.reduce((sum, one) => sum + one.size, 0);
  t.diagnostic(`first load: ${total} bytes in ${sizes.length} answers`);
  assert.ok(
    sizes.some((one) => /woff2/.test(one.name)),
    'the fonts are counted',
  );
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

  const kept = await page.evaluate(async () =>
    JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      location.href,
      await indexedDB.databases(),
    ]),
  );
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
  assert.ok((await drawn.evaluate((img) => img.decode().then(() => img.naturalWidth))) > 300);
  assert.match(await printed(page), /three waves, drawn in 400 points/);
  assert.match(await page.getByLabel('Time by stage').innerText(), /running \d/);
  await picture(page, 'with-plot', { fullPage: true });
  assert.deepEqual(await barriers(page), []);
  await close();
});

test('output is seen while the program runs, and the run can be stopped', async () => {
  const { page, close } = await open();
  await write(
    page,
    'py',
    'import sys, time\nfor i in range(1000):\n    print("line", i)\n' +
      '    print("warned", i, file=sys.stderr)\n    time.sleep(0.3)\n',
  );
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
  const status = await writeAndRun(
    page,
    'py',
    'rows = "".join(f"{i},town {i},{i * i}\\n" for i in range(500))\n' +
      'open("/mnt/data/towns.csv", "w").write("id,name,size\\n" + rows)\n' +
      'open("/mnt/data/ünïcode <b>.bin", "wb").write(bytes(range(256)) * 40)\n',
  );
  assert.equal(status, 'Finished');

  const table = page.getByRole('region', { name: 'Table towns.csv' });
  await table.getByRole('row').nth(100).waitFor();
  assert.equal(await table.getByRole('row').count(), 101);
  assert.deepEqual(await table.getByRole('row').nth(3).getByRole('cell').allInnerTexts(), [
    '2',
    'town 2',
    '4',
  ]);
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

async function drop(page, name, text) {
  const data = await page.evaluateHandle(
    ([name, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name));
      return transfer;
    },
    [name, text],
  );
  await page.dispatchEvent('.attach', 'dragover', { dataTransfer: data });
  await page.dispatchEvent('.attach', 'drop', { dataTransfer: data });
}

test('files are dropped, replaced by name, removed, and found by the program', async () => {
  const { page, close } = await open();
  await drop(page, 'words.txt', 'old');
  await drop(page, 'words.txt', 'alpha beta');
  await drop(page, 'gone.txt', 'gone');
  await page.getByRole('button', { name: 'Remove gone.txt' }).click();
  await page.getByLabel('Attached files').getByText('10 B').waitFor();

  await writeAndRun(page, 'bash', 'ls; cat words.txt');

  assert.equal((await printed(page)).trim(), 'words.txt\nalpha beta');
  await close();
});

test('a file on its way says how far it is', async () => {
  const { page, close } = await open();
  const line = await page.context().newCDPSession(page);
  await line.send('Network.enable');
  await line.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 400_000,
  });

  await drop(page, 'large.txt', 'x'.repeat(2_000_000));

  const bar = page.getByRole('progressbar', { name: 'Sending large.txt' });
  const shown = async () => Number(await bar.getAttribute('value'));
  const part = await eventually('a part is sent', async () => {
    const value = await shown();
    return value > 0 && value < 100 && value;
  });
  await eventually('more is sent', async () => (await shown()) > part);
  await picture(page, 'sending');
  await bar.waitFor({ state: 'detached' });
  await writeAndRun(page, 'bash', 'wc -c < large.txt');

  assert.equal((await printed(page)).trim(), '2000000');
  await close();
});

test('a file that is too large is refused in words', async () => {
  const small = await new Daemon({ http: { max_upload: '1KiB' } }).start();
  const { page, close } = await openWorkbench(small.url, small.key);

  await page.setInputFiles('#attach', {
    name: 'big.bin',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(2000),
  });

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
  await write(
    page,
    'py',
    'import sys\nprint("name?", flush=True)\nprint("hello", input(), flush=True)\n' +
      'print(len(sys.stdin.read()), "more")\n',
  );
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

  assert.equal(
    await writeAndRun(page, 'py', 'raise SystemExit(3)'),
    'Ended with an error (exit code 3)',
  );
  assert.equal(
    await writeAndRun(page, 'py', 'x = []\nwhile True: x.append(bytearray(50_000_000))'),
    'Stopped: out of memory',
  );
  assert.match(await page.locator('.detail').innerText(), /memory/);
  await close();
});

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
  assert.deepEqual(
    JSON.parse(stored).map((one) => Object.keys(one).sort()),
    Array(2).fill(['at', 'code', 'lang']),
  );

  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Clear the history' }).click();
  await page.getByText('Nothing yet.').waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('podium.history')), null);
  await close();
});

test('a language that was chosen has its program before the next key', async () => {
  const { page, close } = await open();

  const shown = await page.evaluate(async () => {
    const content = document.querySelector('.editor').shadowRoot.querySelector('.cm-content');
    const select = document.querySelector('#language');
    const before = content.innerText;
    select.value = 'bash';
    select.dispatchEvent(new Event('change', { bubbles: true }));
    for (let i = 0; i < 20; i += 1) await Promise.resolve(); // no key comes in between
    return { before, after: content.innerText };
  });

  assert.match(shown.before, /import matplotlib/);
  assert.doesNotMatch(shown.after, /import matplotlib/);
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
  assert.equal(
    await dark.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme),
    'light',
  );
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
