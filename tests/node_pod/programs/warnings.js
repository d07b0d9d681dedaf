process.emitWarning('look here', 'OwnWarning'); new Buffer(1);
new (require('events'))().setMaxListeners(0); require('util').deprecate(() => {}, 'old', 'DEP9')();
