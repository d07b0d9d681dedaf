console.log(Object.getOwnPropertyNames(globalThis).sort().join(' '));
console.log(this === module.exports, globalThis.require, typeof require, (function () { return typeof this; })());
