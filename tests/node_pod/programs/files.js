const fs = require('fs/promises');
(async () => { await fs.mkdir('a/b', { recursive: true }); await fs.writeFile('a/b/c.txt', 'text');
  console.log(await fs.readdir('.', { recursive: true }), await fs.readdir('/mnt/code'), (await fs.stat('a/b/c.txt')).mode.toString(8)); })();
