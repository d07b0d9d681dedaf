console.log(__filename, __dirname, process.cwd(), require.main === module, module.id, module.paths);
console.log(require.main.filename, module.parent, module.children.length, process.mainModule === module);
console.log(Object.keys(require.cache), require.resolve.paths('x'), require('module').globalPaths);
