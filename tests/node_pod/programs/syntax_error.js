console.log('not reached');
const a = ;
