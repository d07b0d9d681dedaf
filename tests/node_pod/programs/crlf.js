console.log(1);
