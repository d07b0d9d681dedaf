const x = await new Promise((resolve) => setTimeout(() => resolve(5), 5));
console.log(x, typeof require);
export {};
