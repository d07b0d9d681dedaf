console.log('a'); process.exit(); console.log('b');
