const fs = require('fs');
fs.writeFileSync('/mnt/data/own.js', "exports.name = __filename; exports.parent = module.parent.filename;");
fs.writeFileSync('/mnt/data/data.json', '{"a": [1, 2]}');
console.log(require('/mnt/data/own.js'), require('/mnt/data/data.json'), require('own').name);
try { require('./nothing'); } catch (e) { console.log(e.code, e.message); }
try { require('nothing-at-all'); } catch (e) { console.log(e.code, e.message); }
