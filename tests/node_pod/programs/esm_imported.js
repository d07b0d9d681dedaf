const fs = require('fs');
fs.writeFileSync('/mnt/data/part.mjs',
  "export const x = await Promise.resolve(4); export const u = import.meta.url; export default () => typeof require;");
import('/mnt/data/part.mjs').then((m) => console.log(m.x, m.u, m.default(), m));
