// input: a\nb\n
(async () => { for await (const chunk of process.stdin) console.log(String(chunk)); })();
