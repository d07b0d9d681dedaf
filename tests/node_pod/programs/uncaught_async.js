setTimeout(() => { null.x; }, 2);
console.log('first');
