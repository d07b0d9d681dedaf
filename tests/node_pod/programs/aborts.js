console.log('to be aborted'); process.abort();
