const crypto = require('crypto'), zlib = require('zlib');
console.log(crypto.createHash('sha256').update('x').digest('hex'), zlib.gunzipSync(zlib.gzipSync('abc')).toString());
crypto.pbkdf2('p', 's', 1000, 16, 'sha1', (e, key) => console.log(key.toString('hex')));
